// Which methods a worker may see twice.
import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { IndexedDB } from "../../gen/gestalt/provider/v1/indexeddb_pb.ts";

/**
 * Those whose `idempotency_level` says so: no side effects, or the same ones. But no writes of a database, which promises that each
 * takes effect once: before a second one somebody else may have written there, and been answered.
 */
export function isRepeatable(method: DescMethod): boolean {
  return !DATABASE_WRITES.has(method) && method.idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN;
}

/** Among those that the protocol calls idempotent. Making a store again leaves what is in it alone. */
const DATABASE_WRITES: ReadonlySet<DescMethod> = new Set([
  IndexedDB.method.put,
  IndexedDB.method.delete,
  IndexedDB.method.clear,
  IndexedDB.method.deleteObjectStore,
]);
