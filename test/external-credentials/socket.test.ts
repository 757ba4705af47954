// What may come to the bridge's socket, and what the bridge makes of a worker that refuses it: raw bytes in every method, tokens that are
// not taken, pages in the worker's place. gestaltd tells users to connect again for one code alone, which must not be had by accident.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it, type TestContext } from "node:test";
import { create, type DescMethod, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import fc from "fast-check";
import { ExternalCredentialProvider } from "../../src/gen/gestalt/provider/v1/external_credential_pb.ts";
import { atEnd, grpcError, startBridgeProcess } from "../support/bridge-process.ts";
import { createSigningKey, sessionClaims, signToken, WORKER_NAME } from "../support/worker-harness.ts";
import { type Credentials, credential, resolving, startCredentials } from "./credentials.ts";

const { method: METHODS } = ExternalCredentialProvider;
const lookup = { subjectId: "user:ada", connectionId: "github:default" };

/** Answers that say something of the request. Any other one, INTERNAL above all, says that something broke. */
const PROPER: ReadonlySet<grpc.status> = new Set([
  ...[grpc.status.OK, grpc.status.INVALID_ARGUMENT, grpc.status.NOT_FOUND],
  ...[grpc.status.FAILED_PRECONDITION, grpc.status.RESOURCE_EXHAUSTED],
]);

describe("on the socket of the bridge", () => {
  let credentials: Credentials;
  before(async () => {
    credentials = await startCredentials();
  });
  after(() => credentials?.stop());

  async function configured(t: TestContext, url: string, store: string) {
    const bridge = await startBridgeProcess(t, "external-credentials");
    const worker = { url, name: WORKER_NAME, provider: "store", key: credentials.worker.privateKey };
    await bridge.configure({ store, worker });
    return bridge;
  }

  it("bytes of any kind get a proper answer, and what is refused is not stored", { timeout: 60_000 }, async (t) => {
    const { socket, call, stderr } = await configured(t, credentials.worker.url, "bytes");
    await call(METHODS.upsertCredential, { credential: credential() });
    const client = new grpc.Client(`unix:${socket}`, grpc.credentials.createInsecure());
    atEnd(t, () => client.close());
    let refused = 0;
    const attack = async (method: DescMethod, bytes: Buffer) => {
      const before = await credentials.rows("bytes");
      const { code, details } = await send(client, method, bytes);
      assert.ok(PROPER.has(code), `${method.name}: ${grpc.status[code]} ${details}`);
      assert.doesNotMatch(details, /s3cr3t/);
      if (code === grpc.status.OK) return;
      refused += 1;
      assert.deepEqual(await credentials.rows("bytes"), before);
    };
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...EXAMPLES), damage(), ([method, whole], damaged) =>
        attack(method, damaged(whole)),
      ),
      { numRuns: 300 },
    );
    assert.ok(refused > 100, `only ${refused} were refused`);
    assert.equal((await call(METHODS.getCredential, { lookup })).subjectId, "user:ada");
    assert.doesNotMatch(stderr() + credentials.log.join("\n"), /s3cr3t/);
  });

  it("a worker that refuses the bridge does not tell users to connect again", async (t) => {
    const way = await startWay(t, credentials.worker.url);
    const { call } = await configured(t, way.url, "refusing");
    await call(METHODS.upsertCredential, { credential: credential() });
    const asking = () => call(METHODS.resolveCredential, resolving({ type: "oauth2" }));
    const other = await createSigningKey("other");
    const claims = sessionClaims({ provider: "store" });
    const ours = /; compare worker\.key and worker\.name with the worker's GESTALT_EDGE_JWKS and GESTALT_EDGE_NAME$/;
    for (const [token, fault] of [
      [await signToken(other, claims), /^The session token is signed by a key this worker does not trust/],
      ["a.b.c", /^The session token is not a signed token/],
    ] as const) {
      way.authorize(`Bearer ${token}`);
      const refused = (text: RegExp) => grpcError(grpc.status.FAILED_PRECONDITION, text);
      await assert.rejects(asking(), refused(fault));
      await assert.rejects(asking(), refused(ours));
      await assert.rejects(call(METHODS.getCredential, { lookup }), refused(ours));
    }
    way.refuse(401);
    const page = grpcError(
      grpc.status.FAILED_PRECONDITION,
      /HTTP 401 and no Connect error; check what stands before it/,
    );
    await assert.rejects(asking(), page);
    way.pass();
    assert.equal((await asking()).token, "at-1");
    await call(METHODS.upsertCredential, { credential: credential({ expiresAt: { seconds: 1n, nanos: 0 } }) });
    await assert.rejects(asking(), grpcError(grpc.status.UNAUTHENTICATED, /nothing renews it\. Connect again/));
  });
});

/** A good request of each method, as bytes. */
const EXAMPLES: readonly (readonly [DescMethod, Buffer])[] = [
  example(METHODS.upsertCredential, {
    credential: credential({
      ...{ id: "mine", instance: "bytes", refreshToken: "rt-s3cr3t", scopes: "repo", refreshErrorCount: 3 },
      ...{ expiresAt: { seconds: 4_000_000_000n, nanos: 1 }, metadataJson: '{"host":"s3cr3t"}' },
    }),
    preserveTimestamps: true,
  }),
  example(METHODS.getCredential, { lookup }),
  example(METHODS.listCredentials, { ...lookup, instance: "x" }),
  example(METHODS.deleteCredential, { id: "nobody" }),
  example(METHODS.validateCredentialConfig, { provider: "github", mode: "platform", auth: { type: "s3cr3t" } }),
  example(METHODS.resolveCredential, resolving({ type: "oauth2", tokenParams: { a: "s3cr3t" } }, { instance: "none" })),
  example(METHODS.exchangeCredential, { provider: "github", credentialJson: '{"k":"s3cr3t"}' }),
];

function example<M extends DescMethod>(
  method: M,
  message: MessageInitShape<M["input"]>,
): readonly [DescMethod, Buffer] {
  return [method, Buffer.from(toBinary(method.input, create(method.input, message)))];
}

/** What happens to bytes on the way: some change, are missing, come twice, or are others altogether. */
function damage(): fc.Arbitrary<(whole: Buffer) => Buffer> {
  const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const at = (bytes: Buffer, where: number) => Math.floor(where * bytes.length);
  const flip = fc.tuple(place, fc.integer({ min: 1, max: 255 })).map(([where, mask]) => (whole: Buffer) => {
    const bytes = Buffer.from(whole);
    const offset = at(bytes, where);
    bytes[offset] = (bytes[offset] ?? 0) ^ mask;
    return bytes;
  });
  const cut = place.map((where) => (whole: Buffer) => whole.subarray(0, at(whole, where)));
  const foreign = fc.uint8Array({ maxLength: 200 }).map((bytes) => () => Buffer.from(bytes));
  const spliced = fc
    .tuple(place, fc.uint8Array({ minLength: 1, maxLength: 40 }))
    .map(([where, bytes]) => (whole: Buffer) => {
      const offset = at(whole, where);
      return Buffer.concat([whole.subarray(0, offset), bytes, whole.subarray(offset)]);
    });
  const twice = fc.constant((whole: Buffer) => Buffer.concat([whole, whole]));
  // Groups within groups: what a careless decoder follows until its stack ends.
  const deep = fc.integer({ min: 100, max: 200_000 }).map((depth) => () => Buffer.alloc(depth, 0x0b));
  return fc.oneof(flip, cut, foreign, spliced, twice, deep);
}

function send(client: grpc.Client, method: DescMethod, bytes: Buffer): Promise<{ code: grpc.status; details: string }> {
  const path = `/${method.parent.typeName}/${method.name}`;
  return new Promise((resolve) => {
    const raw = (value: Buffer) => value;
    client.makeUnaryRequest(path, raw, raw, bytes, (error) =>
      resolve(error === null ? { code: grpc.status.OK, details: "" } : error),
    );
  });
}

/** Something on the way to the worker that can put another token in the bridge's place, or answer for the worker. */
async function startWay(t: TestContext, workerUrl: string) {
  let answer: { readonly authorization?: string; readonly status?: number } = {};
  const server = createServer((request, response) => {
    const { authorization = request.headers.authorization, status } = answer;
    if (status !== undefined) {
      request.resume();
      response.writeHead(status, { "content-type": "text/html" }).end("<html>s3cr3t</html>");
      return;
    }
    const headers = { ...request.headers, authorization };
    const upstream = httpRequest(workerUrl + request.url, { method: request.method, headers, agent: false });
    upstream.on("response", (worker) => {
      response.writeHead(worker.statusCode ?? 502, worker.rawHeaders);
      worker.pipe(response);
    });
    upstream.on("error", () => response.destroy());
    request.pipe(upstream);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  atEnd(t, () => server.close());
  atEnd(t, () => server.closeAllConnections());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    authorize: (authorization: string) => {
      answer = { authorization };
    },
    refuse: (status: number) => {
      answer = { status };
    },
    pass: () => {
      answer = {};
    },
  };
}
