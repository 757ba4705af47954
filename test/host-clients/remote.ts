// A host client of the session under test, typed as authors see it and called from here: each call runs inside the worker.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { HostServices } from "../../src/worker/host/host.ts";
import type { HostHarness, RunOptions } from "../support/host-harness.ts";
import type { ScenarioError } from "../support/scenarios.ts";

type Service = "workflows" | "workflowHost" | "agents" | "agentHost";
type Methods = Readonly<Record<string, (...args: never[]) => unknown>>;

/** Answers as scenarios.ts's `plain` has them: dates as texts, undefined as null, iterables as lists. */
export type Plain<T> = T extends Date
  ? string
  : T extends undefined
    ? null
    : T extends (infer Item)[] | readonly (infer Item)[]
      ? Plain<Item>[]
      : T extends object
        ? { [Key in keyof T]-?: Plain<T[Key]> }
        : T;

type Answer<T> = T extends AsyncIterable<infer Item> ? Plain<Item>[] : Plain<Awaited<T>>;

/** The methods themselves, and those that return what the method throws. */
export type Remote<Client> = {
  readonly [Name in keyof Client]: Client[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Answer<Result>>
    : never;
} & { readonly failing: Failing<Client> };

type Failing<Client> = {
  readonly [Name in keyof Client]: Client[Name] extends (...args: infer Args) => unknown
    ? (...args: Args) => Promise<ScenarioError>
    : never;
};

export function remote<Key extends Service>(harness: HostHarness, service: Key, options: RunOptions = {}) {
  const params = (method: string, args: readonly unknown[]) => ({
    service,
    method,
    args: encoded(args) as JsonValue[],
  });
  const failing = methods((method, args) => harness.thrown("call", params(method, args), options));
  const calling = methods((method, args) => harness.run("call", params(method, args), options));
  return new Proxy(calling, {
    get: (target, name) => (name === "failing" ? failing : Reflect.get(target, name)),
  }) as unknown as Remote<HostServices[Key]>;
}

function methods(run: (method: string, args: readonly unknown[]) => Promise<unknown>): Methods {
  const target: Methods = {};
  return new Proxy(target, {
    get:
      (_, name) =>
      (...args: unknown[]) =>
        run(String(name), args),
  });
}

/** As JSON that call.worker.ts makes dates of again. */
function encoded(value: unknown): unknown {
  if (value instanceof Date) return { $date: value.toISOString() };
  if (Array.isArray(value)) return value.map(encoded);
  if (typeof value !== "object" || value === null) return value ?? null;
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(entries.map(([key, one]) => [key, encoded(one)])) as JsonObject;
}
