// Every method of every host client, as authors call them, under limits that a test gives.
import type { HostCallOptions, HostServices } from "../../src/worker/index.ts";
import { type Scenario, type ScenarioError, thrownBy } from "../support/scenarios.ts";

type Calls = { readonly [Key in keyof HostServices]: (host: HostServices, limits: HostCallOptions) => Methods };
type Methods = Readonly<Record<string, () => unknown>>;

/** All that calls gestaltd, by names as authors know them. What is the same under another name is left out. */
const CALLS: Calls = {
  cache(host, limits) {
    const cache = host.cache();
    return {
      get: () => cache.get("k", limits),
      getMany: () => cache.getMany(["k"], limits),
      set: () => cache.set("k", "v", limits),
      setMany: () => cache.setMany([{ key: "k", value: "v" }], limits),
      delete: () => cache.delete("k", limits),
      deleteMany: () => cache.deleteMany(["k"], limits),
      touch: () => cache.touch("k", limits),
    };
  },
  s3(host, limits) {
    const store = host.s3();
    const object = store.object("b", "k");
    return {
      stat: () => object.stat(limits),
      exists: () => object.exists(limits),
      read: () => object.read(limits),
      stream: () => object.stream(limits),
      bytes: () => object.bytes(limits),
      text: () => object.text(limits),
      json: () => object.json(limits),
      write: () => object.write("x", limits),
      writeBytes: () => object.writeBytes(new Uint8Array(1), limits),
      writeString: () => object.writeString("x", limits),
      writeJSON: () => object.writeJSON({}, limits),
      delete: () => object.delete(limits),
      presign: () => object.presign(limits),
      createAccessURL: () => object.createAccessURL(limits),
      list: () => all(store.list("b", limits)),
      listPages: () => all(store.listPages("b", limits)),
      copy: () => store.copy({ bucket: "b", key: "k" }, { bucket: "b", key: "l" }, limits),
    };
  },
  indexedDB(host, limits) {
    const database = host.indexedDB();
    const store = database.objectStore("o");
    const index = store.index("i");
    const range = { lower: "a" };
    return {
      createObjectStore: () => database.createObjectStore("o", {}, limits),
      deleteObjectStore: () => database.deleteObjectStore("o", limits),
      transaction: () => database.transaction("o", "readonly", (open) => open.objectStore("o").count(), limits),
      get: () => store.get("k", limits),
      getKey: () => store.getKey("k", limits),
      add: () => store.add({ id: "k" }, limits),
      put: () => store.put({ id: "k" }, limits),
      delete: () => store.delete("k", limits),
      clear: () => store.clear(limits),
      getAll: () => store.getAll(range, limits),
      getAllKeys: () => store.getAllKeys(range, limits),
      count: () => store.count(range, limits),
      deleteRange: () => store.deleteRange(range, limits),
      openCursor: () => all(store.openCursor(limits)),
      openKeyCursor: () => all(store.openKeyCursor(limits)),
      "index get": () => index.get("v", limits),
      "index getKey": () => index.getKey("v", limits),
      "index getAll": () => index.getAll({ values: ["v"] }, limits),
      "index getAllKeys": () => index.getAllKeys({ values: ["v"] }, limits),
      "index count": () => index.count({ values: ["v"] }, limits),
      "index delete": () => index.delete("v", limits),
      "index openCursor": () => all(index.openCursor(limits)),
      "index openKeyCursor": () => all(index.openKeyCursor(limits)),
    };
  },
  plugins: ({ plugins }, limits) => ({
    invoke: () => plugins.invoke("p", "o", {}, limits),
    invokeGraphQL: () => plugins.invokeGraphQL("p", "{ a }", {}, limits),
    exchangeInvocationToken: () => plugins.exchangeInvocationToken([{ plugin: "p" }], limits),
  }),
  workflows: (host, limits) => requests(host.workflows, limits),
  workflowHost: (host, limits) => requests(host.workflowHost, limits),
  agents: (host, limits) => requests(host.agents, limits),
  agentHost: (host, limits) => requests(host.agentHost, limits),
  authorization: (host, limits) => requests(host.authorization, limits),
  runtimeLogs: ({ runtimeLogs }, limits) => ({
    append: () => runtimeLogs.append("line", limits),
    appendLogs: () => runtimeLogs.appendLogs([{ message: "line" }], limits),
    writer: () => runtimeLogs.writer("stdout", limits).getWriter().write("line\n"),
  }),
};

/** What the requests of the managers and hosts have in common, so that one will do for all. */
const REQUEST = {
  target: { plugin: { plugin: "p", operation: "o" } },
  signal: { name: "s" },
  event: { type: "t" },
  match: { type: "t" },
  subject: { type: "user", id: "u" },
  action: { name: "read" },
  resource: { type: "doc", id: "d" },
  relations: [],
  resourceTypes: [],
  messages: [],
};

function requests(client: object, limits: HostCallOptions): Methods {
  const withoutRequest = ["getMetadata", "getActiveModel"];
  return Object.fromEntries(
    Object.entries(client).map(([name, method]) => {
      const request = name === "evaluateMany" ? [REQUEST] : REQUEST;
      return [name, () => all(withoutRequest.includes(name) ? method(limits) : method(request, limits))];
    }),
  );
}

/** Also reads what is to be walked through. */
async function all(answer: unknown): Promise<unknown> {
  if (typeof answer !== "object" || answer === null || !(Symbol.asyncIterator in answer)) return answer;
  const found = [];
  for await (const one of answer as AsyncIterable<unknown>) found.push(one);
  return found;
}

/** By service and method: what each throws. They all run at once. */
async function failures(host: HostServices, limits: HostCallOptions): Promise<Record<string, ScenarioError>> {
  const calls = Object.entries(CALLS).flatMap(([service, methods]) =>
    Object.entries(methods(host, limits)).map(async ([name, call]) => [`${service} ${name}`, await thrownBy(call)]),
  );
  return Object.fromEntries(await Promise.all(calls));
}

export const aborted: Scenario = (host) => failures(host, { signal: AbortSignal.abort() });

export const late: Scenario = (host, { timeoutMs }) => failures(host, { timeoutMs: Number(timeoutMs) });

/** As part of a trace, until the time is up: gestaltd does not answer. */
export const traced: Scenario = (host, { traceparent }) => {
  const trace = { headers: { traceparent: String(traceparent) } } as unknown as HostCallOptions["trace"];
  return failures(host, { trace, timeoutMs: 300 });
};

let inherited: Record<string, ScenarioError> | undefined;

/** With no limits of their own. The request ends before it could answer. */
export const unlimited: Scenario = async (host, _params, { waitUntil }) => {
  const work = failures(host, {}).then((found) => {
    inherited = found;
  });
  waitUntil(work);
  await work;
};

export const found: Scenario = () => inherited;

/** Methods that the clients have. */
export const methods: Scenario = (host) => ({
  cache: Object.keys(host.cache()),
  s3: [...Object.keys(host.s3()), ...Object.keys(host.s3().object("b", "k"))],
  plugins: Object.keys(host.plugins),
  workflows: Object.keys(host.workflows),
  workflowHost: Object.keys(host.workflowHost),
  agents: Object.keys(host.agents),
  agentHost: Object.keys(host.agentHost),
  authorization: Object.keys(host.authorization),
  runtimeLogs: Object.keys(host.runtimeLogs),
});
