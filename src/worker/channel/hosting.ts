// Everything that goes over the channel, put together for the rest of the worker.
import type { Hosting } from "../host/hosting.ts";
import { sendLastLines, sendLine } from "../logging/send.ts";
import { spanSender } from "../telemetry/send-spans.ts";
import { connectChannel } from "./connect-route.ts";
import { HostSession } from "./host-session.ts";
import { channelTransport } from "./transport.ts";

export const HOSTING: Hosting = {
  connect: connectChannel,
  open(call, working) {
    const session = new HostSession(call, working);
    return { transport: (name) => channelTransport(call, session, name), rest: () => session.rest() };
  },
  sendLine,
  sendLastLines,
  spans: spanSender,
};
