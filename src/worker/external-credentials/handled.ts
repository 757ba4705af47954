// Runs a handler, and makes of its errors what may leave the worker.
import { Code, ConnectError } from "@connectrpc/connect";
import type { Call } from "../call.ts";
import { errorPlace } from "../error-place.ts";
import { toSurfaceError } from "./errors.ts";

export async function handled<T>(handler: string, call: Call, run: () => Promise<T> | T): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof ConnectError) throw error;
    const known = toSurfaceError(error);
    if (known !== undefined) throw known;
    // The error of a request that failed may hold the request, tokens and all.
    call.log.error(`${handler} failed`, errorPlace(error));
    throw new ConnectError(
      `The provider failed in ${handler}; the worker's log says where, though not with what text, which may hold secrets.`,
      Code.Internal,
    );
  }
}
