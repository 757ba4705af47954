// How the public part of the object store answers: refusals in JSON, and headers that keep stored content harmless.
import { Code, ConnectError } from "@connectrpc/connect";
import { type Log, S3InvalidRangeError, S3NotFoundError, S3PreconditionFailedError } from "../../worker/index.ts";

/** Seconds a browser may remember a preflight; the URL's own lifetime is short. */
const PREFLIGHT_SECONDS = 600;

/** `{"error": "<sentence>"}`, the form of Gestalt's own HTTP errors. */
export function refusal(status: number, error: string, headers: Record<string, string> = {}): Response {
  return Response.json({ error }, { status, headers: { ...headers, "cache-control": "no-store" } });
}

/** One table from errors to HTTP statuses. What callers cannot mend is logged and answered without its text. */
export function failure(error: unknown, log: Log): Response {
  if (error instanceof S3NotFoundError) return refusal(404, error.message);
  if (error instanceof S3PreconditionFailedError) return refusal(412, error.message);
  if (error instanceof S3InvalidRangeError) return refusal(416, error.message);
  if (error instanceof ConnectError) {
    if (error.code === Code.InvalidArgument) return refusal(400, error.rawMessage);
    if (error.code === Code.PermissionDenied) return refusal(403, error.rawMessage);
    if (error.code === Code.Unavailable) return refusal(503, error.rawMessage, { "retry-after": "1" });
  }
  log.error("presigned request failed", { error });
  return refusal(500, "internal error");
}

/** Lets a page of any origin do what the URL grants: the URL is the whole credential, cookies play no part. */
export function preflight(request: Request, method: string): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": method,
      "access-control-allow-headers": request.headers.get("access-control-request-headers") ?? "",
      "access-control-max-age": String(PREFLIGHT_SECONDS),
      vary: "access-control-request-headers",
    },
  });
}

/**
 * Adds what every answer carries. Stored content is its writer's, not ours: browsers must not guess its type, nor run it
 * with the rights of this origin, nor hand the URL on as a referrer.
 */
export function withPublicHeaders(response: Response): Response {
  const { headers } = response;
  headers.set("access-control-allow-origin", "*");
  headers.set(
    "access-control-expose-headers",
    "etag, content-range, content-disposition, last-modified, accept-ranges",
  );
  headers.set("content-security-policy", "sandbox");
  headers.set("cross-origin-resource-policy", "cross-origin");
  headers.set("referrer-policy", "no-referrer");
  headers.set("x-content-type-options", "nosniff");
  return response;
}
