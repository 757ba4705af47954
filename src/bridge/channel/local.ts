// Calls that the bridge answers itself, for the session whose channel they come on. gestaltd never sees them.
import type { IncomingCall } from "../../wire/channel/accepted-call.ts";
import { failure, OK } from "../../wire/channel/status.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import { statusOfError } from "../grpc/status.ts";

/** Unary methods by path, `/gestalt.edge.v1.BridgeService/WriteLogs`: message in, message out, both binary. */
export type LocalMethods = ReadonlyMap<string, LocalMethod>;

/** Rejects with a BridgeError for a status other than INTERNAL. */
export type LocalMethod = (message: Uint8Array) => Promise<Uint8Array>;

export async function answerLocally(call: IncomingCall, methods: LocalMethods | undefined): Promise<void> {
  const method = methods?.get(call.init.path);
  if (method === undefined) {
    call.end(failure(GrpcCode.unimplemented, "the bridge has no such method"));
    return;
  }
  try {
    const reply = await method(await only(call));
    // In one packet.
    void call.write(reply);
    call.end(OK);
  } catch (error) {
    const { code, message } = statusOfError(error);
    call.end(failure(code, message));
  }
}

async function only(call: IncomingCall): Promise<Uint8Array> {
  let message: Uint8Array | undefined;
  for await (const next of call.messages) {
    if (message !== undefined) throw new BridgeError(GrpcCode.unimplemented, "method takes one message, got more");
    message = next;
  }
  if (message === undefined) throw new BridgeError(GrpcCode.unimplemented, "method takes one message, got none");
  return message;
}
