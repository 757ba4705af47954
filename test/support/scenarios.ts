// What a test of host clients runs inside the worker: named functions over `request.host`, whose results go back as JSON.
// Works in workerd and in Node alike.
import type { JsonObject } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { ProviderRequest } from "../../src/worker/call.ts";
import { HostServiceError } from "../../src/worker/host/errors.ts";
import type { HostServices } from "../../src/worker/host/host.ts";

/**
 * One thing to do with the host services. All are typed as there; one that the session is not offered is undefined. The result
 * may hold bytes, bigints, dates and maps: {@link plain} says what becomes of them.
 */
export type Scenario = (
  host: HostServices,
  params: JsonObject,
  request: Pick<ProviderRequest, "signal" | "waitUntil" | "bindings" | "env">,
) => unknown;

/** How a scenario ended. */
export type Outcome = { readonly value: unknown } | { readonly error: ScenarioError };

/** What the scenario threw. */
export interface ScenarioError {
  readonly name: string;
  readonly message: string;
  /** `NotFound`; undefined for what is no error of a host service. */
  readonly code?: string | undefined;
  readonly service?: string | undefined;
}

export async function runScenario(run: () => unknown): Promise<Outcome> {
  try {
    return { value: plain(await run()) };
  } catch (error) {
    return { error: describeError(error) };
  }
}

/** For scenarios that meet several errors: what was thrown, as data. Throws when nothing was. */
export async function thrownBy(run: () => unknown): Promise<ScenarioError> {
  const outcome = await runScenario(run);
  if ("error" in outcome) return outcome.error;
  throw new Error(`nothing was thrown, but ${JSON.stringify(outcome.value)} returned`);
}

export function describeError(error: unknown): ScenarioError {
  if (!(error instanceof Error)) return { name: typeof error, message: String(error) };
  const { name, message } = error;
  if (!(error instanceof HostServiceError)) return { name, message };
  return { name, message, code: Code[error.code], service: error.service };
}

/** As JSON: bytes as `{ bytes: "<UTF-8>" }`, bigints as `"12n"`, dates as texts, maps as pairs, undefined as null. */
export function plain(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (value instanceof Uint8Array) return { bytes: new TextDecoder().decode(value) };
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Map) return [...value].map(plain);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
}
