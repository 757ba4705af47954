// Addresses, tokens and authorities as they stand in the environment.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { BridgeError } from "../../src/bridge/errors.ts";
import { addressKey, authorityOf, describeAddress, parseHostAddress } from "../../src/bridge/host/address.ts";
import { hostAuthority } from "../../src/bridge/host/authority.ts";
import { checkMethod, hostServices } from "../../src/bridge/host/host-service.ts";
import { bindingSuffix } from "../../src/wire/host-services.ts";
import { makeCertificate } from "../support/fake-gestaltd/certificate.ts";

const VARIABLE = "GESTALT_CACHE_SOCKET";
const SECRET = "eyJhbGciOiJIUzI1NiJ9.payload.signature";

describe("address of a host service", () => {
  const forms = [
    ["unix:///tmp/gstp-1/host-0.sock", { kind: "unix", path: "/tmp/gstp-1/host-0.sock" }, "localhost"],
    ["/tmp/gstp-1/host-0.sock", { kind: "unix", path: "/tmp/gstp-1/host-0.sock" }, "localhost"],
    ["./gstp-1/host-0.sock", { kind: "unix", path: "./gstp-1/host-0.sock" }, "localhost"],
    ["tcp://127.0.0.1:8080", { kind: "tcp", host: "127.0.0.1", port: 8080 }, "127.0.0.1:8080"],
    [
      "tls://gestalt.example.com:443",
      { kind: "tls", host: "gestalt.example.com", port: 443 },
      "gestalt.example.com:443",
    ],
    ["tls://[::1]:443", { kind: "tls", host: "::1", port: 443 }, "[::1]:443"],
  ] as const;
  for (const [text, address, authority] of forms) {
    it(`reads ${text}`, () => {
      assert.deepEqual(parseHostAddress(text, VARIABLE), address);
      assert.equal(authorityOf(address), authority);
      assert.match(describeAddress(address), /^(unix|tcp|tls):\/\/.+/);
    });
  }
  const wrong = [
    ...["", "host-0.sock", SECRET, `http://${SECRET}`, `tcp://${SECRET}`, `tcp://${SECRET}@host:80`],
    ...["tcp://host", "tcp://host:0", "tcp://host:65536", "tls://host:80/path", "tls://host:80?token=secret"],
    ...["tcp://[::1:80", "tcp://:80", "unix://", "unix:///tmp/\0", "TCP://host:80", "tls://a b:80"],
  ];
  for (const text of wrong) {
    it(`refuses ${JSON.stringify(text)} without repeating it`, () => {
      assert.throws(
        () => parseHostAddress(text, VARIABLE),
        (error) => {
          assert.ok(error instanceof BridgeError);
          assert.equal(error.code, 3);
          assert.ok(error.message.includes(VARIABLE));
          assert.ok(!error.message.includes("payload") && !error.message.includes("secret"), error.message);
          return true;
        },
      );
    });
  }

  it("keeps connections with another authority apart", () => {
    const address = { kind: "tls", host: "h", port: 1 } as const;
    assert.notEqual(addressKey(address), addressKey({ ...address, authority: "x" }));
    assert.equal(addressKey(address), addressKey({ ...address }));
  });
});

describe("host services of an environment", () => {
  it("knows each by its variable, with bindings where gestaltd has them", () => {
    const token = SECRET;
    const address = "tcp://127.0.0.1:80";
    const names = ["CACHE", "CACHE_MAIN", "S3_A_B", "INDEXEDDB", "WORKFLOW_MANAGER", "WORKFLOW_HOST", "AGENT_HOST"];
    names.push("AGENT_MANAGER", "AUTHORIZATION", "PLUGIN_INVOKER", "RUNTIME_LOG");
    const services = hostServices(new Map(names.map((name) => [name, { address, token }])), undefined);
    assert.deepEqual([...services.keys()], names);
    assert.equal(services.get("S3_A_B")?.methodPrefix, "/gestalt.provider.v1.S3/");
    assert.equal(services.get("RUNTIME_LOG")?.service, "runtime_log_host");
  });

  it("leaves out the provider's own socket and what it does not know", () => {
    const offered = { address: "/tmp/a/plugin.sock", token: undefined };
    const names = ["PLUGIN", "AGENT_HOST_OTHER", "CACHEMAIN", "constructor"];
    assert.equal(hostServices(new Map(names.map((name) => [name, offered])), undefined).size, 0);
  });

  it("refuses a relay without a token, and a token that is none, by the variables' names", () => {
    const offer = (token: string | undefined) => () =>
      hostServices(new Map([["CACHE_MAIN", { address: "tcp://h:1", token }]]), undefined);
    assert.throws(offer(undefined), /GESTALT_CACHE_SOCKET_MAIN names a relay, and there is no .*_MAIN_TOKEN/);
    assert.throws(offer(`${SECRET}\n`), (error: Error) => !error.message.includes("payload"));
    assert.throws(offer(""), /GESTALT_CACHE_SOCKET_MAIN_TOKEN/);
  });

  it("shows the token to nobody who prints a service", () => {
    const services = hostServices(new Map([["CACHE", { address: "tcp://h:1", token: SECRET }]]), undefined);
    const service = services.get("CACHE");
    assert.equal(service?.token?.headerValue(), SECRET);
    assert.ok(!inspect(service, { depth: 10, showHidden: true }).includes("payload"));
    assert.ok(!JSON.stringify(service).includes("payload"));
  });

  it("lets a service's methods through and nothing else", () => {
    const service = hostServices(new Map([["CACHE", { address: "/a/b", token: undefined }]]), undefined).get("CACHE");
    assert.ok(service);
    checkMethod(service, "/gestalt.provider.v1.Cache/Get");
    const paths = ["/gestalt.provider.v1.S3/HeadObject", "/gestalt.provider.v1.Cache/", "", "Get"];
    paths.push("/gestalt.provider.v1.Cache/../S3/HeadObject", "/gestalt.provider.v1.Cache/Get?x", "/x/Get\r\n");
    for (const path of paths) assert.throws(() => checkMethod(service, path), { code: 7 }, path);
  });

  it("writes bindings as gestaltd does", () => {
    assert.equal(bindingSuffix("my-store.v2"), "MY_STORE_V2");
  });
});

describe("authority of the relay", () => {
  const { authority } = makeCertificate();

  it("comes from the text, else from the file", (t) => {
    assert.equal(hostAuthority({ GESTALT_HOST_SERVICE_TLS_CA_PEM: authority }), authority);
    const file = join(mkdtempSync(join(tmpdir(), "ca-")), "ca.pem");
    t.after(() => rmSync(dirname(file), { recursive: true }));
    writeFileSync(file, authority);
    assert.equal(hostAuthority({ GESTALT_HOST_SERVICE_TLS_CA_FILE: file }), authority);
    // gestaltd gives plugins the text; the file's name may have come along from its own environment, of another machine.
    const both = { GESTALT_HOST_SERVICE_TLS_CA_PEM: authority, GESTALT_HOST_SERVICE_TLS_CA_FILE: "/nonexistent" };
    assert.equal(hostAuthority(both), authority);
    assert.equal(hostAuthority({ ...both, GESTALT_HOST_SERVICE_TLS_CA_FILE: import.meta.filename }), authority);
    assert.equal(
      hostAuthority({ GESTALT_HOST_SERVICE_TLS_CA_PEM: "", GESTALT_HOST_SERVICE_TLS_CA_FILE: file }),
      authority,
    );
    assert.equal(hostAuthority({}), undefined);
    assert.equal(hostAuthority({ GESTALT_HOST_SERVICE_TLS_CA_PEM: "" }), undefined);
  });

  it("must be a certificate that can be read", () => {
    assert.throws(() => hostAuthority({ GESTALT_HOST_SERVICE_TLS_CA_PEM: "nothing" }), /holds no certificate/);
    const broken = authority.replace(/\n[A-Za-z0-9+/]{20}/, "\nAAAAAAAAAAAAAAAAAAAA");
    assert.throws(() => hostAuthority({ GESTALT_HOST_SERVICE_TLS_CA_PEM: broken }), /cannot be read/);
    assert.throws(() => hostAuthority({ GESTALT_HOST_SERVICE_TLS_CA_FILE: "/nonexistent/ca" }), /\(ENOENT\)/);
    assert.throws(() => hostAuthority({ GESTALT_HOST_SERVICE_TLS_CA_FILE: import.meta.filename }), /CA_FILE holds no/);
  });
});
