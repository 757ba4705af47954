// Waiting for something that takes its time.
import { setTimeout as sleep } from "node:timers/promises";

/** Long enough for a busy machine; a test that gets there fails. */
const PATIENCE_MS = 30_000;

/** Waits until `check` no longer throws; what it threw last is thrown after thirty seconds. */
export async function eventually(check: () => Promise<void>): Promise<void> {
  for (const give = Date.now() + PATIENCE_MS; ; await sleep(10)) {
    try {
      return await check();
    } catch (failure) {
      if (Date.now() > give) throw failure;
    }
  }
}
