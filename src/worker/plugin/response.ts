// What an operation may answer with other than its plain output: a response with a status, or an error with one.

const brand: unique symbol = Symbol("gestalt-edge.response");

/** A status and a body that go out as they are. Made by {@link response} and {@link ok}. */
export interface OperationResponse {
  readonly [brand]: true;
  readonly status: number;
  readonly body: unknown;
}

/**
 * Answers with `status` (100 to 999) and `body` as JSON, as given: it is not checked against the output schema. There
 * are no headers, because gestaltd carries none.
 */
export function response(status: number, body: unknown): OperationResponse {
  return { [brand]: true, status, body };
}

/** {@link response} with status 200. */
export function ok(body: unknown): OperationResponse {
  return response(200, body);
}

export function isResponse(value: unknown): value is OperationResponse {
  return typeof value === "object" && value !== null && brand in value;
}

/**
 * Thrown in a handler to answer with a status (100 to 999) and a JSON body as given; gestaltd's convention for the body
 * is `{ error: "…" }`. Everything else that is thrown answers 500 without its text.
 */
export class OperationError extends Error {
  override readonly name = "OperationError";
  readonly status: number;
  readonly body: unknown;

  constructor(status: number, body: unknown, options?: ErrorOptions) {
    super(`operation failed with status ${status}`, options);
    this.status = status;
    this.body = body;
  }
}
