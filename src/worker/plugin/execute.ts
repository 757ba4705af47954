// Runs one operation: check the input, call the handler, check the output. Every outcome is a result with a status:
// gestaltd hides the text of gRPC errors from the caller (reference: Execute).
import type { $ZodType } from "zod/v4/core";
import type { JsonObject } from "../../wire/session-token.ts";
import { bareObject } from "../bare-object.ts";
import type { Call } from "../call.ts";
import { HostServiceMissingError } from "../host/errors.ts";
import { issuesOf, issuesText } from "../sessions/issues.ts";
import { parse } from "../sessions/parse.ts";
import { coerceParameters } from "./coerce.ts";
import { type JsonSchema, jsonSchema } from "./json-schema.ts";
import type { Operation } from "./operation.ts";
import type { PluginRequest } from "./plugin-request.ts";
import { isResponse, OperationError } from "./response.ts";
import { errorResult, INTERNAL_ERROR, type Result, resultOf } from "./result.ts";

/** Never rejects. `id` is for the log only. */
export async function execute<Config>(
  id: string,
  operation: Operation<Config>,
  params: JsonObject,
  call: Call,
  request: PluginRequest<Config>,
): Promise<Result> {
  try {
    const input = operation.input === undefined ? params : await checkedInput(operation.input, params);
    if (input instanceof Refused) return input.result;
    const outcome = await untilAborted(call, async () => operation.handler(input as never, request as never));
    if (isResponse(outcome)) return resultOf(outcome.status, outcome.body);
    if (outcome instanceof Response) throw new TypeError(NO_WEB_RESPONSE);
    return resultOf(200, await checkedOutput(operation.output, outcome));
  } catch (error) {
    return failure(id, error, call);
  }
}

/** JSON makes `{}` of it, and the caller would take that for the answer. */
const NO_WEB_RESPONSE = "a handler returned a web Response: answer with response(status, body) of gestalt-edge";

class Refused {
  readonly result: Result;
  constructor(result: Result) {
    this.result = result;
  }
}

const schemas = new WeakMap<$ZodType, JsonSchema>();

async function checkedInput(schema: $ZodType, params: JsonObject): Promise<unknown> {
  let description = schemas.get(schema);
  if (description === undefined) {
    description = jsonSchema(schema, "input");
    schemas.set(schema, description);
  }
  const parsed = await parse(schema, bareObject(coerceParameters(params, description)));
  if (parsed.success) return parsed.data;
  const issues = issuesOf(parsed.error);
  return new Refused(errorResult(400, `invalid input: ${issuesText(issues)}`, { issues }));
}

async function checkedOutput(schema: $ZodType | undefined, output: unknown): Promise<unknown> {
  if (schema === undefined) return output;
  const parsed = await parse(schema, output);
  if (parsed.success) return parsed.data;
  throw new TypeError(`the output does not fit its schema: ${issuesText(issuesOf(parsed.error))}`);
}

/** Settles as the work does, unless the call's signal aborts first: a handler that ignores it must not hold the call. */
function untilAborted(call: Call, work: () => Promise<unknown>): Promise<unknown> {
  const { signal } = call;
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason);
    if (signal.aborted) return aborted();
    signal.addEventListener("abort", aborted, { once: true });
    work()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", aborted));
  });
}

/** 499 and 504 are what proxies answer in these cases; nobody reads the first. */
function failure(id: string, error: unknown, call: Call): Result {
  if (error instanceof OperationError) {
    try {
      return resultOf(error.status, error.body);
    } catch (unsendable) {
      call.log.error(`operation ${id} failed`, { error: unsendable });
      return INTERNAL_ERROR;
    }
  }
  if (call.deadline !== undefined && call.deadline <= Date.now()) return errorResult(504, "operation timed out");
  if (call.signal.aborted) return errorResult(499, "the caller has gone");
  call.log.error(`operation ${id} failed`, { error });
  // For the operator, who has to bind the service or give the worker its channel; nothing of the provider's is in it.
  if (error instanceof HostServiceMissingError) return errorResult(500, error.message);
  return INTERNAL_ERROR;
}
