// The SecretsProvider service in terms of its handler. No value, and no text that may hold one, gets anywhere but into the answer.
import { Code, ConnectError } from "@connectrpc/connect";
import { SecretsProvider } from "../../gen/gestalt/provider/v1/secrets_pb.ts";
import type { Call } from "../call.ts";
import { errorPlace } from "../error-place.ts";
import { providerRequest } from "../sessions/provider-request.ts";
import { shortened } from "../shortened.ts";
import { type Surface, surface } from "../surface.ts";
import type { SecretsHandlers } from "./define.ts";

/** Longest name, in UTF-16 units. Ours: gestaltd sets none, and no store has names near as long. */
const MAX_NAME_LENGTH = 512;

export function secretsSurface<Config>(handlers: SecretsHandlers<Config>): Surface {
  return surface(SecretsProvider, {
    async getSecret({ name }, call) {
      // The method may be asked by GET, which caches on the way would keep.
      call.responseHeaders.set("cache-control", "no-store");
      checkName(name);
      const value = await read(handlers, name, call);
      if (value === undefined || value === null || value === "") throw missing(name);
      if (typeof value === "string" && value.isWellFormed()) return { value };
      throw new ConnectError(`The provider answered for the secret ${quoted(name)} with no text.`, Code.Internal);
    },
  });
}

function checkName(name: string): void {
  if (name === "") throw new ConnectError("The request names no secret.", Code.InvalidArgument);
  if (name.length > MAX_NAME_LENGTH) {
    const text = `The secret's name has ${name.length} characters; at most ${MAX_NAME_LENGTH} are allowed.`;
    throw new ConnectError(text, Code.InvalidArgument);
  }
  if (!name.isWellFormed()) throw new ConnectError("The secret's name is not valid Unicode.", Code.InvalidArgument);
}

async function read<Config>(handlers: SecretsHandlers<Config>, name: string, call: Call): Promise<unknown> {
  try {
    return await handlers.getSecret({ name }, providerRequest<Config>(call));
  } catch (error) {
    if (error instanceof ConnectError) throw error;
    call.log.error("getSecret failed", { secret: shortened(name), ...errorPlace(error) });
    throw new ConnectError(
      `The secret ${quoted(name)} could not be read; the worker's log says where that failed.`,
      Code.Internal,
    );
  }
}

function missing(name: string): ConnectError {
  return new ConnectError(`There is no secret ${quoted(name)}.`, Code.NotFound);
}

function quoted(name: string): string {
  return JSON.stringify(shortened(name));
}
