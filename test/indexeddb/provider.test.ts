// What every provider has, for databases: identity, health, config.
import assert from "node:assert/strict";
import { it } from "node:test";
import { Code } from "@connectrpc/connect";
import { ProviderKind, ProviderLifecycle } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { objectName } from "../../src/providers/indexeddb-durable-object/object-name.ts";
import { refused } from "../support/refused.ts";
import { describeBackends } from "./databases.ts";

describeBackends(
  "provider",
  (on) => {
    it("says what it is, and that its database can be reached", async () => {
      const lifecycle = on.databases.worker.client(ProviderLifecycle, on.db.claims);
      assert.equal((await lifecycle.getProviderIdentity({})).kind, ProviderKind.INDEXEDDB);
      await lifecycle.configureProvider({ protocolVersion: 3 });
      assert.equal((await lifecycle.healthCheck({})).ready, true);
    });
  },
  (on) => {
    it("refuses config that it does not know, and a binding that is not there", async () => {
      const configure = (config: object) =>
        on.databases.worker
          .client(ProviderLifecycle, { provider: "objects", config: config as never, sid: JSON.stringify(config) })
          .configureProvider({ protocolVersion: 3 });
      await assert.rejects(configure({ tabel: "x" }), refused(Code.InvalidArgument, /unknown key tabel; known are/));
      await assert.rejects(configure({ binding: "OTHER" }), refused(Code.FailedPrecondition, /bound as OTHER/));
    });

    it("names databases in a way that must not change: their data would be sought elsewhere", () => {
      for (const [config, expected] of [
        [{}, "n"],
        [{ table: "hello" }, "n/table=hello"],
        [{ database: "hello" }, "n/database=hello"],
        [{ schema: "a/b=c" }, "n/schema=a%2Fb%3Dc"],
        [{ prefix: "hello_", table_prefix: "hello_" }, "n/prefix=hello_"],
        [{ table_prefix: "hello_" }, "n/prefix=hello_"],
        [{ database: "d", table: "t" }, "n/database=d/table=t"],
      ] as const) {
        assert.equal(objectName("n", config), expected);
      }
    });
  },
);
