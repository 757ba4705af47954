// How a connection of a channel ended, in one sentence for the operator, and what that means for the next try.
import { type ChannelEnd, CLOSE_CODES } from "../../wire/channel/close.ts";
import { CHANNEL_VERSION } from "../../wire/channel/limits.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import { describeNodeError } from "../grpc/node-errors.ts";
import { parseJson, statusFromConnectError } from "../proxy/connect-error.ts";

/**
 * `lost`: to be tried again. `refused`: somebody has to change something first, which may happen at any time. `superseded` and
 * `version`: not to be tried again by this process.
 */
export interface Ending {
  readonly kind: "lost" | "refused" | "superseded" | "version";
  /** Names no address and no token. */
  readonly message: string;
}

/** The worker's answer was no WebSocket. */
export function endingOfAnswer(status: number, body: Buffer): Ending {
  const said = statusFromConnectError(parseJson(body), GrpcCode.unknown)?.message ?? "";
  const remedy = remedyOf(status, said);
  const message = `the worker answered HTTP ${status}${said && `: ${said}`}${remedy && `; ${remedy}`}`;
  const passing = status >= 500 || PASSING.has(status);
  return { kind: passing ? "lost" : "refused", message };
}

/** 4xx that pass by themselves, as every 5xx may. */
const PASSING = new Set([408, 425, 429]);

function remedyOf(status: number, said: string): string {
  if (status < 400) return "something before it redirects, such as the login page of Cloudflare Access (worker.access)";
  // A gestalt-edge worker without a channel says itself what to add.
  if (status === 404 && said !== "") return "";
  return REMEDIES[status] ?? "";
}

const REMEDIES: { readonly [status: number]: string } = {
  401: "it does not accept the session token; compare worker.key and worker.name with the worker's GESTALT_EDGE_JWKS and GESTALT_EDGE_NAME",
  403: "something before it does not let the bridge pass; check Cloudflare Access (worker.access)",
  404: "check that it is a gestalt-edge worker, and of a version that has host channels",
};

/** No connection could be made, or no worker be had. */
export function endingOfError(error: unknown): Ending {
  if (!(error instanceof BridgeError)) return { kind: "lost", message: describeNodeError(error) };
  const passing = error.code === GrpcCode.unavailable || error.code === GrpcCode.deadlineExceeded;
  return { kind: passing ? "lost" : "refused", message: error.message };
}

/** The worker, or the network, has closed the socket. */
export function endingOfClose(code: number, reason: string): Ending {
  const quoted = reason === "" ? "" : `: ${reason}`;
  switch (code) {
    case CLOSE_CODES.shutdown:
      return { kind: "lost", message: "the worker closed the channel" };
    case CLOSE_CODES.superseded:
      return { kind: "superseded", message: SUPERSEDED };
    case CLOSE_CODES.violation:
      return { kind: "lost", message: `the worker says that the bridge broke a rule of the channel${quoted}` };
    case CLOSE_CODES.version:
      return { kind: "version", message: `${OTHER_VERSION}${quoted}` };
    default:
      return { kind: "lost", message: `the connection was closed (WebSocket code ${code}${quoted})` };
  }
}

/** This side has ended it. */
export function endingOfChannel({ kind, message }: ChannelEnd): Ending {
  switch (kind) {
    case "version":
      return { kind: "version", message: `${OTHER_VERSION}: ${message}` };
    case "superseded":
      return { kind: "superseded", message: SUPERSEDED };
    case "violation":
      return { kind: "lost", message: `the worker broke a rule of the channel: ${message}` };
    default:
      return { kind: "lost", message };
  }
}

const SUPERSEDED = "another bridge has taken over the session";
const OTHER_VERSION =
  `the worker speaks another version of the channel than this bridge (${CHANNEL_VERSION}); deploy it with the bridge's version ` +
  "of gestalt-edge";
