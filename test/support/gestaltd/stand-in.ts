#!/usr/bin/env node
// Stands in for the two providers that gestaltd cannot boot without and that gestalt-edge does not serve yet: an IndexedDB
// in memory, which is gone with its process, and an external credential store that has none. Bundled into one executable
// file, because gestaltd copies exactly one. The kind is its first argument.
import { rmSync } from "node:fs";
import http2 from "node:http2";
import { dirname } from "node:path";
import { create } from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import type { ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { ExternalCredentialProvider } from "../../../src/gen/gestalt/provider/v1/external_credential_pb.ts";
import { IndexedDB } from "../../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import { ProviderKind, ProviderLifecycle } from "../../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { Database } from "../fake-gestaltd/indexeddb/database.ts";
import { FakeIndexedDB } from "../fake-gestaltd/indexeddb/service.ts";

const kinds = { indexeddb: ProviderKind.INDEXEDDB, "external-credentials": ProviderKind.EXTERNAL_CREDENTIAL };
const kind = kinds[process.argv[2] as keyof typeof kinds];
const socket = process.env.GESTALT_PLUGIN_SOCKET;
if (kind === undefined || socket === undefined) throw new Error("usage: GESTALT_PLUGIN_SOCKET=… stand-in KIND");

const PARENT_POLL_MS = 250;
const empty = () => create(EmptySchema);
const database = new Database();

function routes(router: ConnectRouter): void {
  router.service(ProviderLifecycle, {
    getProviderIdentity: () => ({ kind }),
    configureProvider: () => ({ protocolVersion: 3 }),
    healthCheck: () => ({ ready: true }),
  });
  router.service(IndexedDB, new FakeIndexedDB(() => database).service);
  router.service(ExternalCredentialProvider, { validateCredentialConfig: empty });
}

http2.createServer(connectNodeAdapter({ routes })).listen(socket);
process.on("SIGTERM", () => process.exit(0));
// A gestaltd that was killed ends nobody, and removes no folder it made.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid === parent) return;
  rmSync(dirname(socket), { recursive: true, force: true });
  process.exit(0);
}, PARENT_POLL_MS);
