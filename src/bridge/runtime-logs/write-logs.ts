// BridgeService.WriteLogs: what a session's worker sends over its channel goes into the session's log, each line once.
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import {
  BridgeService,
  type WriteLogsRequest,
  WriteLogsRequestSchema,
  WriteLogsResponseSchema,
} from "../../gen/gestalt/edge/v1/bridge_pb.ts";
import { PluginRuntimeLogStream } from "../../gen/gestalt/provider/v1/runtime_log_pb.ts";
import { GrpcCode } from "../../wire/codes.ts";
import type { LocalMethod } from "../channel/local.ts";
import { BridgeError } from "../errors.ts";
import { pathOf } from "../grpc/router.ts";
import { WRITERS_KEPT } from "./limits.ts";
import type { SessionLog } from "./session-log.ts";

const REPLY = toBinary(WriteLogsResponseSchema, { $typeName: WriteLogsResponseSchema.typeName });

/** The method for the channel's local methods, with its path. One per session, and for all its channels: it remembers what it has. */
export function writeLogs(log: SessionLog): [path: string, method: LocalMethod] {
  const received = new Map<string, bigint>();
  const write = async (message: Uint8Array) => {
    append(decode(message), received, log);
    return REPLY;
  };
  return [pathOf(BridgeService.method.writeLogs), write];
}

function decode(message: Uint8Array): WriteLogsRequest {
  try {
    return fromBinary(WriteLogsRequestSchema, message);
  } catch {
    throw new BridgeError(GrpcCode.invalidArgument, "not a WriteLogsRequest");
  }
}

/** `received`: how many lines of each writer are here already. */
function append(request: WriteLogsRequest, received: Map<string, bigint>, log: SessionLog): void {
  const { writer, first, lines, dropped } = request;
  const known = received.get(writer) ?? 0n;
  const end = first + BigInt(lines.length);
  if (end <= known) return;
  received.delete(writer);
  received.set(writer, end);
  if (received.size > WRITERS_KEPT) forgetOldest(received);
  if (first >= known) log.dropped(Number(dropped));
  for (const { stream, message, writtenAt } of lines.slice(Number(known > first ? known - first : 0n))) {
    const written = stream === PluginRuntimeLogStream.STDERR ? "stderr" : "stdout";
    log.write(written, message, writtenAt && timestampDate(writtenAt));
  }
}

/** A Map iterates in the order of insertion, and each use inserts anew. */
function forgetOldest(received: Map<string, bigint>): void {
  for (const oldest of received.keys()) {
    received.delete(oldest);
    return;
  }
}
