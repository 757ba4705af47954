// The last lines of a session: printed before the worker has answered its last call, read from its console a little later.
import { setTimeout as sleep } from "node:timers/promises";

/** From workerd's console through its node to the bridge takes a few milliseconds; this is in milliseconds too. */
const ON_THE_WAY_MS = 50;

/** Resolves when what an embedded worker has printed until now can be expected to be here. */
export async function lastLines(): Promise<void> {
  await sleep(ON_THE_WAY_MS);
}
