// `defineAuthenticationProvider`: what reaches handlers, what their answers may be, and the sealed state they are given.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { AuthenticationProvider } from "../../src/gen/gestalt/provider/v1/authentication_pb.ts";
import type { JsonObject, JsonValue } from "../../src/wire/session-token.ts";
import { startWorker, type TestWorker, type TokenClaims } from "../support/worker-harness.ts";
import { type AuthenticationClient, refusal } from "./host.ts";
import { CALLBACK } from "./issuer.ts";
import { LOGIN_SECRET } from "./rig.ts";

let worker: TestWorker;
let sessions = 0;
before(async () => {
  worker = await startWorker({
    entry: new URL("./authored.worker.ts", import.meta.url),
    vars: { GESTALT_EDGE_LOGIN_SECRET: LOGIN_SECRET },
  });
});
after(() => worker.dispose());

const client = (provider: string, config: JsonObject = {}, claims: TokenClaims = {}): AuthenticationClient =>
  worker.client(AuthenticationProvider, { provider, config, sid: `session-${sessions++}`, ...claims });

const ADA = { subject: "1", email: "ada@acme.com", emailVerified: true };

describe("handlers", () => {
  it("get what gestaltd says, and it what they answer", async () => {
    const scripted = client("scripted", { settings: { ttlSeconds: 60 } });
    const { authorizationUrl, providerState } = await scripted.beginLogin({
      ...{ callbackUrl: CALLBACK, hostState: "x", scopes: ["a", "b"], options: { hint: "ada" } },
    });
    assert.equal(
      authorizationUrl,
      `https://idp.example/authorize?state=own&callback=${encodeURIComponent(CALLBACK)}&scopes=a%2Cb&hint=ada`,
    );
    assert.equal(providerState.byteLength, 0);
    const { $typeName: _, ...user } = await scripted.completeLogin({ callbackUrl: CALLBACK, query: { code: "c" } });
    assert.deepEqual(user, { ...ADA, displayName: "", avatarUrl: "", claims: { code: "c" } });
    assert.deepEqual((await scripted.validateExternalToken({ token: "t" })).claims, { token: "t" });
    assert.equal((await scripted.getSessionSettings({})).sessionTtlSeconds, 60n);
  });

  it("that are left out are UNIMPLEMENTED", async () => {
    const least = client("least");
    assert.ok((await least.beginLogin({ callbackUrl: CALLBACK })).authorizationUrl);
    await refusal(least.validateExternalToken({ token: "t" }), Code.Unimplemented, /ValidateExternalToken/);
    await refusal(least.getSessionSettings({}), Code.Unimplemented, /GetSessionSettings/);
  });

  it("that throw answer INTERNAL without their text", async () => {
    const call = client("scripted", { fail: "the client secret is s3cret" }).beginLogin({ callbackUrl: CALLBACK });
    await refusal(call, Code.Internal, /^internal error$/, ["s3cret"]);
  });
});

describe("what comes in", () => {
  const scripted = () => client("scripted");
  const long = (length: number) => "x".repeat(length);
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, "v"]));

  const CALLBACKS: [string, RegExp][] = [
    ["", /gestaltd sent no callback URL: set server\.baseUrl/],
    ["/api/v1/auth/login/callback", /not an absolute URL/],
    ["javascript:alert(1)", /not an absolute URL/],
    ["https://user:pass@gestalt.example/", /not an absolute URL/],
    [`https://gestalt.example/${long(8200)}`, /not an absolute URL/],
  ];
  for (const [callbackUrl, text] of CALLBACKS) {
    it(`is no callback: ${callbackUrl.slice(0, 50)}`, async () => {
      await refusal(scripted().beginLogin({ callbackUrl }), Code.InvalidArgument, text, ["pass@"]);
      await refusal(scripted().completeLogin({ callbackUrl }), Code.InvalidArgument, text, ["pass@"]);
    });
  }

  const STARTS: [string, object, RegExp][] = [
    ["a huge host state", { hostState: long(20_000) }, /host state has 20000 characters/],
    ["many scopes", { scopes: Object.keys(many(65)) }, /65 scopes/],
    ["a huge scope", { scopes: [long(20_000)] }, /scopes has 20000 characters/],
    ["many options", { options: many(65) }, /65 options/],
    ["a huge option", { options: { a: long(20_000) } }, /options has 20001 characters/],
  ];
  for (const [what, input, text] of STARTS) {
    it(`is too much of a start: ${what}`, async () => {
      await refusal(scripted().beginLogin({ callbackUrl: CALLBACK, ...input }), Code.InvalidArgument, text);
    });
  }

  const RETURNS: [string, object, RegExp][] = [
    ["many parameters", { query: many(65) }, /65 query parameters/],
    ["a huge parameter", { query: { code: long(20_000) } }, /query parameters has 20004 characters/],
    ["a huge name", { query: { [long(20_000)]: "" } }, /query parameters has 20000 characters/],
    ["a huge state", { providerState: new Uint8Array(3073) }, /provider state has 3073 bytes; at most 3072/],
    ["megabytes of state", { providerState: new Uint8Array(4_000_000) }, /provider state has 4000000 bytes/],
  ];
  for (const [what, input, text] of RETURNS) {
    it(`is too much of a return: ${what}`, async () => {
      await refusal(scripted().completeLogin({ callbackUrl: CALLBACK, ...input }), Code.InvalidArgument, text);
    });
  }

  const TOKENS: [string, string, RegExp][] = [
    ["nothing", "", /holds no token/],
    ["a space", "a b", /no bearer token has/],
    ["a line break", "a\nb", /no bearer token has/],
    ["other letters", "é", /no bearer token has/],
    ["16 KiB and one", long(16_385), /token has 16385 characters/],
    ["megabytes", long(4_000_000), /token has 4000000 characters/],
  ];
  for (const [what, token, text] of TOKENS) {
    it(`is no token: ${what}`, async () => {
      await refusal(scripted().validateExternalToken({ token }), Code.InvalidArgument, text);
    });
  }

  it("is no text of JSON that has no UTF-8 form, nor of another type", async () => {
    const bodies = {
      CompleteLogin: [
        `{"callbackUrl":"${CALLBACK}","query":{"code":"\\ud800"}}`,
        '{"query":[]}',
        '{"providerState":"%"}',
      ],
      BeginLogin: [`{"callbackUrl":"${CALLBACK}","options":{"\\udfff":""}}`, '{"callbackUrl":1}', "[]", "{"],
      ValidateExternalToken: ['{"token":1}', '{"token":null}', '{"tokens":"x"}'],
    };
    for (const [method, texts] of Object.entries(bodies)) {
      for (const body of texts) {
        const response = await worker.fetch(`/${AuthenticationProvider.typeName}/${method}`, {
          method: "POST",
          body,
          headers: {
            "content-type": "application/json",
            authorization: `Bearer ${await worker.token({ provider: "scripted" })}`,
          },
        });
        const { code } = (await response.json()) as { code: string };
        assert.deepEqual([response.status, code], [400, "invalid_argument"], `${method} ${body}`);
      }
    }
  });

  it("with names of prototypes reaches handlers as it is", async () => {
    const query = JSON.parse('{"__proto__":"a","constructor":"b"}') as Record<string, string>;
    const { claims } = await scripted().completeLogin({ callbackUrl: CALLBACK, query });
    assert.deepEqual(Object.entries(claims).sort(), Object.entries(query).sort());
  });
});

describe("what handlers answer", () => {
  const begin = (config: JsonObject) => client("scripted", config).beginLogin({ callbackUrl: CALLBACK });
  const complete = (user: JsonValue) => client("scripted", { user }).completeLogin({ callbackUrl: CALLBACK });

  it("is an authorization URL", async () => {
    for (const authorizationUrl of ["", "/authorize", "javascript:alert(1)", `https://x/${"x".repeat(9000)}`]) {
      await refusal(
        begin({ redirect: { authorizationUrl } }),
        Code.Internal,
        /answered wrongly: the authorization URL/,
      );
    }
  });

  it("is a state that a URL has room for", async () => {
    assert.equal((await begin({ stateBytes: 3072 })).providerState.byteLength, 3072);
    await refusal(begin({ stateBytes: 3073 }), Code.Internal, /provider state has 3073 bytes/);
  });

  it("is a person or nobody", async () => {
    await refusal(complete(null), Code.Unauthenticated, /Nobody has signed in/);
    const call = client("scripted", { user: null }).validateExternalToken({ token: "t" });
    await refusal(call, Code.Unauthenticated, /token is not one this provider accepts/);
    await refusal(client("least").completeLogin({ callbackUrl: CALLBACK }), Code.Unauthenticated, /Nobody/);
  });

  it("is a person with a verified address", async () => {
    for (const email of [
      "",
      "  ",
      " ada@acme.com",
      "\u212Aim@acme.com",
      "ada",
      1,
      null,
      `${"x".repeat(300)}@acme.com`,
    ]) {
      await refusal(complete({ ...ADA, email }), Code.Internal, /has no email address that can be used/);
    }
    for (const emailVerified of [false, null, "true", 1]) {
      await refusal(complete({ ...ADA, emailVerified }), Code.PermissionDenied, /has not been verified/);
    }
  });

  it("is a person with texts of some length", async () => {
    const claims = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, "v"]));
    for (const wrong of [
      { displayName: "x".repeat(1025) },
      { avatarUrl: "x".repeat(1025) },
      { subject: 1 },
      { subject: null },
      { claims },
      { claims: { a: 1 } },
      { claims: { a: "x".repeat(1025) } },
    ]) {
      await refusal(complete({ ...ADA, ...wrong } as JsonObject), Code.Internal, /a text of the user/);
    }
  });

  it("is a whole number of seconds, or none", async () => {
    for (const ttlSeconds of [0, -1, 1.5, 34_560_001, "60", null]) {
      const call = client("scripted", { settings: { ttlSeconds } }).getSessionSettings({});
      await refusal(call, Code.Internal, /ttlSeconds is not a whole number from 1 to 34560000/);
    }
  });
});

describe("a sealed state", () => {
  const seal = (options: Record<string, string>, sealing = client("sealing")) =>
    sealing.beginLogin({ callbackUrl: CALLBACK, options }).then(({ providerState }) => new Uint8Array(providerState));
  const open = (providerState: Uint8Array<ArrayBuffer>, sealing = client("sealing"), callbackUrl = CALLBACK) =>
    sealing.completeLogin({ callbackUrl, providerState });

  it("opens with what was put into it", async () => {
    for (const data of [{}, { a: "", "": "b" }, { text: "é\0\u{1F600}" }, { long: "x".repeat(1000) }]) {
      assert.deepEqual({ ...(await open(await seal(data as Record<string, string>))).claims }, data);
    }
  });

  it("shows nothing of it, and is another each time", async () => {
    const [first, second] = [await seal({ secret: "in-the-clear" }), await seal({ secret: "in-the-clear" })];
    assert.notDeepEqual(first, second);
    assert.doesNotMatch(Buffer.from(first).toString("latin1"), /in-the-clear/);
  });

  it("opens for no other provider and no other callback", async () => {
    const state = await seal({ a: "b" });
    const another = client("sealing", {}, { name: "another" });
    await refusal(open(state, another), Code.Unauthenticated, /was altered, or made by another provider/);
    await refusal(open(state, client("sealing"), `${CALLBACK}/x`), Code.Unauthenticated, /was altered/);
  });

  it("opens in no other form and after no change", async () => {
    const state = await seal({ a: "b" });
    for (const at of state.keys()) {
      await refusal(open(state.with(at, (state[at] ?? 0) ^ 1)), Code.Unauthenticated, /was altered/);
    }
    await refusal(open(new Uint8Array()), Code.InvalidArgument, /was not begun here/);
  });

  it("ends", async () => {
    const state = await seal({ a: "b" }, client("sealing", { lifetime: 0 }));
    await refusal(open(state), Code.Unauthenticated, /is too old/);
  });
});
