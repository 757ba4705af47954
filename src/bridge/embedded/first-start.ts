// The first start of workerd, which nobody looks after yet: until it runs, whatever ends it is dealt with here.
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import {
  isAddressInUse,
  startWorkerd,
  type Workerd,
  type WorkerdHooks,
  WorkerdKilled,
  type WorkerdSpec,
} from "./miniflare.ts";
import { startFault } from "./start-fault.ts";

/** A workerd that is killed as often while it starts is not killed by chance: it may be too large for this machine's memory. */
const MAX_STARTS = 3;

/**
 * Takes another port when that of `spec` is taken, unless it was `wanted`, and starts again when workerd is killed on the way.
 *
 * @throws BridgeError FAILED_PRECONDITION, which says what is wrong with the project, or that it was killed each time.
 */
export async function firstStart(
  spec: WorkerdSpec,
  hooks: WorkerdHooks,
  { project, wanted }: { readonly project: string; readonly wanted: boolean },
): Promise<Workerd> {
  let { port } = spec;
  for (let start = 1; ; start++) {
    try {
      return await startWorkerd({ ...spec, port }, hooks);
    } catch (error) {
      if (isAddressInUse(error) && wanted) {
        throw new BridgeError(GrpcCode.failedPrecondition, `port ${port} is taken; choose another one`);
      }
      const passes = error instanceof WorkerdKilled || (isAddressInUse(error) && port !== 0);
      if (!passes || start === MAX_STARTS) throw startFault(error, project);
      if (isAddressInUse(error)) port = 0;
    }
  }
}
