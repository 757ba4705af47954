// Scenarios for host clients whose methods take a request and return an answer: any of them, by name.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { HostServices } from "../../src/worker/index.ts";
import { type Scenario, thrownBy } from "../support/scenarios.ts";

/** What the method returns; everything there is, of one that returns an iterable. `{ $date }` in the request is a date. */
export const call: Scenario = async (host, { service, method, args }) => {
  const answer = methodOf(host, service, method)(...(args as JsonValue[]).map(revived));
  if (!isIterable(answer)) return answer;
  const items = [];
  for await (const item of answer) items.push(item);
  return items;
};

/** The first items of an iterable, which is left then. */
export const some: Scenario = async (host, { service, method, args, count }) => {
  const items = [];
  const answer = methodOf(host, service, method)(...(args as JsonValue[]).map(revived));
  for await (const item of answer as AsyncIterable<unknown>) {
    items.push(item);
    if (items.length === count) break;
  }
  return items;
};

/** Aborts the one call when the other one has answered. Returns what the first throws. */
export const aborted: Scenario = async (host, { service, method, request, other }) => {
  const controller = new AbortController();
  const failure = thrownBy(() => methodOf(host, service, method)(request, { signal: controller.signal }));
  await methodOf(host, service, method)(other);
  controller.abort();
  return failure;
};

/** What JSON cannot say in a request, and what only looks like it can. */
export const oddValues: Scenario = async ({ workflows }) => {
  const publish = (data: unknown, extensions: unknown = {}) =>
    workflows.publishEvent({ event: { type: "odd", data: data as JsonObject, extensions: extensions as JsonObject } });
  const circular: Record<string, unknown> = {};
  circular.itself = circular;
  const { data, extensions } = await publish(
    { missing: undefined, list: [undefined], at: new Date(0), notANumber: Number.NaN, ["__proto__"]: 1 },
    { at: new Date(0), nothing: null, ["__proto__"]: { deep: [1, "two", false] } },
  );
  return {
    data: JSON.stringify(data),
    extensions: JSON.stringify(extensions),
    bigint: await thrownBy(() => publish({ big: 1n })),
    circular: await thrownBy(() => publish(circular)),
    extension: await thrownBy(() => publish({}, { big: 1n })),
    time: await thrownBy(() => workflows.publishEvent({ event: { type: "odd", time: new Date(Number.NaN) } })),
  };
};

type Method = (...args: unknown[]) => unknown;

function methodOf(host: HostServices, service: unknown, method: unknown): Method {
  const found = (host as unknown as Record<string, Record<string, Method>>)[String(service)]?.[String(method)];
  if (found === undefined) throw new Error(`host.${service} has no ${method}`);
  return found;
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

function revived(value: JsonValue): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(revived);
  if (typeof value.$date === "string") return new Date(value.$date);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, revived(one)]));
}
