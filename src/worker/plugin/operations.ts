// A plugin's operations by id, each id checked.
import { type HostUse, usesOf } from "../host/uses.ts";
import type { Operation } from "./operation.ts";
import type { PluginRequest } from "./plugin-request.ts";

export type Operations<Config> = ReadonlyMap<string, Operation<Config>>;

/** gestaltd's grammar of catalog ids: dot-separated segments that neither begin nor end with a hyphen. */
const ID = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*$/;

export function operationsById<Config>(
  operations: readonly Operation<Config>[] | Readonly<Record<string, Operation<Config>>>,
): Operations<Config> {
  const byId = new Map<string, Operation<Config>>();
  const keyed = isList(operations)
    ? operations.map((operation) => [undefined, operation] as const)
    : Object.entries(operations);
  for (const [key, operation] of keyed) {
    const id = operation.id ?? key;
    if (id === undefined) throw new TypeError("definePlugin: an operation in a list needs an id.");
    if (key !== undefined && key !== id) {
      throw new TypeError(`definePlugin: operation "${id}" stands under the key "${key}".`);
    }
    if (!ID.test(id)) {
      throw new TypeError(
        `definePlugin: "${id}" is no operation id; use dot-separated segments of A-Z a-z 0-9 _ and -.`,
      );
    }
    if (byId.has(id)) throw new TypeError(`definePlugin: two operations have the id "${id}".`);
    assertAnnotations(id, operation);
    usesOf(operation.uses);
    byId.set(id, operation);
  }
  return byId;
}

function assertAnnotations(id: string, { readOnly, annotations }: Operation<never>): void {
  if (readOnly === undefined || annotations?.readOnly === undefined || readOnly === annotations.readOnly) return;
  throw new TypeError(`definePlugin: operation "${id}" says both that it is read-only and that it is not.`);
}

/** `Array.isArray` does not narrow readonly arrays. */
function isList<T>(value: readonly T[] | Readonly<Record<string, T>>): value is readonly T[] {
  return Array.isArray(value);
}

/**
 * What `sessionCatalog` returns, by id. Calls of static operations never ask it, so one that came back with another
 * handler would be listed and not run: that is refused.
 */
export async function sessionOperations<Config, Use extends HostUse>(
  statics: Operations<Config>,
  sessionCatalog: (
    request: PluginRequest<Config, Use>,
  ) => readonly Operation<Config>[] | Promise<readonly Operation<Config>[]>,
  request: PluginRequest<Config, Use>,
): Promise<Operations<Config>> {
  const operations = operationsById(await sessionCatalog(request));
  for (const [id, { handler }] of operations) {
    const known = statics.get(id);
    if (known !== undefined && known.handler !== handler) {
      throw new TypeError(`sessionCatalog gives operation "${id}" another handler than definePlugin.`);
    }
  }
  return operations;
}
