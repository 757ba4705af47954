// Scenarios for host.plugins.
import { type Scenario, thrownBy } from "../support/scenarios.ts";

export const invokes: Scenario = async ({ plugins }) => {
  const options = { connection: "main", instance: "eu", idempotencyKey: "once", invocationToken: "narrow" };
  const echoed = await plugins.invoke("echo", "say", {
    words: ["a"],
    when: undefined as never,
    at: new Date(0) as never,
  });
  const routed = await plugins.invoke("echo", "call", {}, options);
  const missing = await plugins.invoke("echo", "missing");
  const empty = await plugins.invoke("echo", "empty");
  return {
    echoed: [echoed.status, echoed.json()],
    routed: routed.json(),
    missing: [missing.status, missing.body],
    empty: [empty.status, empty.body, empty.json()],
    own: (await plugins.invoke("echo", "call")).json(),
    unknown: await thrownBy(() => plugins.invoke("echo", "nothing")),
    unsayable: await thrownBy(() => plugins.invoke("echo", "say", { n: 1n as never })),
  };
};

export const graphql: Scenario = async ({ plugins }) => {
  const document = "query($id: ID!) { node(id: $id) { id } }";
  const withVariables = await plugins.invokeGraphQL("graph", document, { id: "1" });
  const without = await plugins.invokeGraphQL("graph", "{ ok }", undefined, { connection: "c" });
  return [withVariables.json(), without.json()];
};

export const exchanges: Scenario = async ({ plugins }) => ({
  narrow: await plugins.exchangeInvocationToken(
    [
      { plugin: "a", operations: ["x", "y"] },
      { plugin: "b", operations: "all", surfaces: ["graphql"] },
    ],
    { ttlSeconds: 60 },
  ),
  again: await plugins.exchangeInvocationToken([{ plugin: "a" }], { invocationToken: "other" }),
  fraction: await thrownBy(() => plugins.exchangeInvocationToken([], { ttlSeconds: 0.5 })),
});

export const withoutToken: Scenario = async ({ plugins }) => ({
  invoke: await thrownBy(() => plugins.invoke("echo", "say")),
  graphql: await thrownBy(() => plugins.invokeGraphQL("graph", "{ ok }")),
  exchange: await thrownBy(() => plugins.exchangeInvocationToken([])),
});

/** A request of as many bytes as its key makes of it, whose answer has a body of so many. */
export const sized: Scenario = async ({ plugins }, { key, body }) => {
  const idempotencyKey = "k".repeat(Number(key));
  return (await plugins.invoke("echo", "sized", { body: Number(body) }, { idempotencyKey })).body.length;
};

export const large: Scenario = ({ plugins }) => plugins.invoke("echo", "say", { text: "x".repeat(4 * 1024 * 1024) });
