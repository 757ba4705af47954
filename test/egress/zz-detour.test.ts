import { describe, it } from "node:test";
import { join } from "node:path";
import { mkdtempSync, readFileSync } from "node:fs";
import { hosts } from "./hosts.ts";
import { runtime, startRuntime, readySession } from "./reach.ts";
import { grpcClient, atEnd, nodeEnded, nodeOf } from "../support/bridge-process.ts";
import { IntegrationProvider } from "../../src/gen/gestalt/provider/v1/integration_pb.ts";
const here = hosts();
it("detours", async (t) => {
  const state = mkdtempSync("/tmp/gs-");
  atEnd(t, () => nodeEnded(state));
  const bridge = await startRuntime(t, { detour: { project: join(import.meta.dirname, "detour"), state } });
  const start = async (policy: any) => {
    const id = await readySession(bridge, "detour");
    const { dialTarget } = await bridge.call(runtime.startPlugin, { sessionId: id, pluginName: "detour", ...policy });
    const client = grpcClient(t, dialTarget);
    await client.call(IntegrationProvider.method.startProvider, { name: "detour", config: {}, protocolVersion: 3 });
    return async (way: string, target: string) => {
      const { status, body } = await client.call(IntegrationProvider.method.execute, { operation: "reach", params: { way, target } });
      return `${status} ${body}`.slice(0, 300);
    };
  };
  const a = await start({ allowedHosts: ["a.example", `localhost:${here.http}`] });
  const b = await start({ allowedHosts: ["127.0.0.1"] });
  const bad = `http://127.0.0.1:${here.http}/`;
  for (const way of ["fetch","net","http","open","other","openObject"]) console.log(way, "→", await a(way, bad));
  for (const f of ["2130706433","0x7f000001","017700000001","0177.0.0.1","127.1","[::ffff:127.0.0.1]","[::ffff:7f00:1]","[0:0:0:0:0:0:0:1]","127.0.0.1.","ip6-localhost","user:pw@127.0.0.1","localhost@127.0.0.1", "a.example@127.0.0.1", "127。0。0。1", "①27.0.0.1", "localhost%2e"]) {
    console.log(f, "→", await a("fetch", `http://${f}:${here.http}/`));
  }
  for (const t of [`http://localhost:${here.http}\\@127.0.0.1:${here.http}/`, `http://localhost:${here.http}/redirect?to=${encodeURIComponent(bad)}`]) { console.log(t, await a("fetch", t)); console.log(t, await a("manual", t)); }
  for (const f of ["2130706433","0x7f000001","127.0.0.1.","[::ffff:127.0.0.1]","a.example@127.0.0.1"]) console.log("sockets", f, await a("sockets", `${f}:${here.tcp}`));
  console.log("ws", await a("ws", `ws://127.0.0.1:${here.http}/`), await a("ws", `ws://2130706433:${here.http}/`));
  console.log(await b("cachePut", "http://a.example/cached"), await a("cacheMatch", "http://a.example/cached"));
  const open = JSON.parse(readFileSync(join(state, "node.json"), "utf8"));
  const port = readFileSync(join(state, "port"), "utf8").trim();
  console.log("port", port, "b (127.0.0.1 listed) via the open origin:", await b("viaOrigin", `http://127.0.0.1:${port}/ http://localhost:${here.http}/`));
});
