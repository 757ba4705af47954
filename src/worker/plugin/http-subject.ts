// Requests on a plugin's HTTP bindings (webhooks): which subject they act for, or why they are refused.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  ResolveHTTPSubjectResponseSchema,
  HTTPSubjectRequest as WireHTTPSubjectRequest,
} from "../../gen/gestalt/provider/v1/integration_pb.ts";
import type { JsonObject } from "../../wire/session-token.ts";
import type { AnyHostUse, HostUse } from "../host/uses.ts";
import type { PluginRequest, Subject } from "./plugin-request.ts";

/** The HTTP request as gestaltd received and verified it. */
export interface HTTPSubjectRequest {
  /** Name of the binding in the manifest. */
  readonly binding: string;
  readonly method: string;
  /** Relative to the binding. */
  readonly path: string;
  readonly contentType: string;
  /** Several values of one name are in order. Look names up as gestaltd wrote them, in canonical form. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly query: Readonly<Record<string, readonly string[]>>;
  /** The body's parameters, decoded. */
  readonly params: JsonObject;
  /** The body as received, for signatures over it. */
  readonly rawBody: Uint8Array;
  /** The scheme that accepted the request, and what it established. */
  readonly securityScheme: string;
  readonly verifiedSubject: string;
  readonly verifiedClaims: Readonly<Record<string, string>>;
}

/** Undefined leaves the subject configured for the binding. */
export type ResolvedSubject = (Pick<Subject, "id"> & Partial<Subject>) | undefined;

export type HTTPSubjectResolver<Config, Use extends HostUse = AnyHostUse> = (
  http: HTTPSubjectRequest,
  request: PluginRequest<Config, Use>,
) => ResolvedSubject | Promise<ResolvedSubject>;

/** Thrown by a resolver to refuse the request with an HTTP status from 400 to 599 and a text the sender gets to see. */
export class HTTPSubjectError extends Error {
  override readonly name = "HTTPSubjectError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    // 0 would accept the request, and gestaltd takes any other number for an HTTP status.
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      throw new RangeError(`${status} is no status to refuse a request with; use 400 to 599`);
    }
    this.status = status;
  }
}

export async function resolveHTTPSubject<Config, Use extends HostUse>(
  resolver: HTTPSubjectResolver<Config, Use>,
  wire: WireHTTPSubjectRequest | undefined,
  request: PluginRequest<Config, Use>,
): Promise<MessageInitShape<typeof ResolveHTTPSubjectResponseSchema>> {
  try {
    const subject = await resolver(httpRequestOf(wire), request);
    return subject === undefined || subject === null ? {} : { subject };
  } catch (error) {
    if (error instanceof HTTPSubjectError) return { rejectStatus: error.status, rejectMessage: error.message };
    throw error;
  }
}

function httpRequestOf(wire: WireHTTPSubjectRequest | undefined): HTTPSubjectRequest {
  return {
    binding: wire?.binding ?? "",
    method: wire?.method ?? "",
    path: wire?.path ?? "",
    contentType: wire?.contentType ?? "",
    headers: listsOf(wire?.headers),
    query: listsOf(wire?.query),
    params: (wire?.params ?? {}) as JsonObject,
    rawBody: wire?.rawBody ?? new Uint8Array(),
    securityScheme: wire?.securityScheme ?? "",
    verifiedSubject: wire?.verifiedSubject ?? "",
    verifiedClaims: wire?.verifiedClaims ?? {},
  };
}

function listsOf(lists: WireHTTPSubjectRequest["headers"] = {}): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(Object.entries(lists).map(([name, { values }]) => [name, values]));
}
