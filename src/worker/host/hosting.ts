// What a Worker with a channel to gestaltd brings along. One without carries none of it: installed by the module that exports
// HostChannel, it is in no bundle that does not name that, which spares it some 45 kB (gzip).
import type { Transport } from "@connectrpc/connect";
import { CHANNEL_REMEDY } from "../../wire/host-remedies.ts";
import type { Bindings, Call } from "../call.ts";
import type { Session } from "../sessions/session.ts";
import type { SpanSender } from "../telemetry/span-sender.ts";

export interface Hosting {
  /** Takes a bridge's WebSocket to its session's object. */
  connect(request: Request, bindings: Bindings, session: Session): Promise<Response>;
  /** The way of one call to the host services of its session. `working` says whether more host calls are to be expected. */
  open(call: Call, working: () => boolean): HostWay;
  /** Queues what `console` was given for the session's log; sent beside the call, which it neither fails nor holds up. */
  sendLine(call: Call, stream: "stdout" | "stderr", values: readonly unknown[]): void;
  /** Sends what this isolate still has of the session's log. */
  sendLastLines(call: Call): Promise<void>;
  /** Takes spans that ended in the worker. */
  readonly spans: SpanSender;
}

export interface HostWay {
  transport(name: string): Transport;
  /** The call's handler is done. */
  rest(): void;
}

let installed: Hosting | undefined;

export function installHosting(hosting: Hosting): void {
  installed = hosting;
}

export function hosting(): Hosting | undefined {
  return installed;
}

/** Why there is no way to gestaltd, for the operator. */
export const NO_CHANNEL = `This worker has no host channel: ${CHANNEL_REMEDY}.`;
