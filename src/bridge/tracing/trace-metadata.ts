// What of a call's metadata says to which trace it belongs.
import { TRACE_HEADERS } from "../../wire/trace-headers.ts";
import type { HeaderList } from "../grpc/metadata.ts";

const NAMES: ReadonlySet<string> = new Set(TRACE_HEADERS);

/** For a call that the bridge makes itself on behalf of another. */
export function traceMetadata(metadata: HeaderList): HeaderList {
  const list: string[] = [];
  for (let i = 0; i + 1 < metadata.length; i += 2) {
    const name = metadata[i] ?? "";
    if (NAMES.has(name)) list.push(name, metadata[i + 1] ?? "");
  }
  return list;
}
