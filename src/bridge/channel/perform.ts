// Who performs a call of the worker: gestaltd, the bridge itself, or nobody.
import type { IncomingCall } from "../../wire/channel/accepted-call.ts";
import { failure } from "../../wire/channel/status.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { BRIDGE_SERVICE_NAME } from "../../wire/host-services.ts";
import { statusOfError } from "../grpc/status.ts";
import type { HostClient } from "../host/client.ts";
import { checkMethod, type HostService } from "../host/host-service.ts";
import type { TracerSource } from "../tracing/tracer.ts";
import { CHANNEL_READ_AHEAD_BYTES } from "./limits.ts";
import { answerLocally, type LocalMethods } from "./local.ts";
import { ReadAhead } from "./read-ahead.ts";
import { relayCall } from "./relayed-call.ts";

export interface Performance {
  readonly services: ReadonlyMap<string, HostService>;
  readonly client: HostClient;
  readonly local?: LocalMethods | undefined;
  /** Undefined where nothing is traced. */
  readonly tracer?: TracerSource | undefined;
}

/** For one channel. What it returns never throws; a call without a performer has ended when it returns. */
export function performer({ services, client, local, tracer }: Performance): (call: IncomingCall) => void {
  const readAhead = new ReadAhead(CHANNEL_READ_AHEAD_BYTES);
  return (call) => {
    const { service: name, path } = call.init;
    if (name === BRIDGE_SERVICE_NAME) {
      void answerLocally(call, local);
      return;
    }
    // The name of another session's service is to this one like any that does not exist.
    const service = services.get(name);
    if (service === undefined) {
      call.end(failure(GrpcCode.permissionDenied, "the session was not offered this host service"));
      return;
    }
    try {
      checkMethod(service, path);
    } catch (error) {
      const { code, message } = statusOfError(error);
      call.end(failure(code, message));
      return;
    }
    relayCall({ call, service, client, readAhead, tracer: tracer?.() });
  };
}
