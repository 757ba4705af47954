// Sign-ins the way gestaltd has them: gRPC on the bridge's socket, with two client libraries, and in front of the worker what the real
// edge would refuse. The details of each answer are tested without the bridge, in the files beside this.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { AuthenticationProvider } from "../../src/gen/gestalt/provider/v1/authentication_pb.ts";
import { type BridgedClients, GRPC_CLIENTS, startBridgedClients } from "../support/bridged-clients.ts";
import { type AuthenticationClient, loginUrl, refusal, seen } from "./host.ts";
import { CALLBACK, CLIENT_SECRET, silence } from "./issuer.ts";
import { rigged } from "./rig.ts";

const rig = rigged();

for (const library of GRPC_CLIENTS) {
  describe(`signing in through the bridge with ${library}`, () => {
    let bridged: BridgedClients;
    let client: AuthenticationClient;
    before(async () => {
      bridged = await startBridgedClients(rig.worker, "authentication", library);
      const { main } = rig.config().issuers as { main: object };
      const config = { issuers: { main: { ...main, allow: { domains: ["acme.com"] } } }, sessionTtlSeconds: 3600 };
      client = bridged.client(AuthenticationProvider, "oidc", config);
    });
    after(() => bridged.stop());

    it("leads to the person, once", async () => {
      const redirect = await rig.redirect(client);
      const ada = { email: "Ada@Acme.com", displayName: "Ada Lovelace" };
      assert.deepEqual(seen(await client.completeLogin(redirect)), {
        ...ada,
        avatarUrl: "https://pictures.example/ada.png",
      });
      await refusal(client.completeLogin(redirect), Code.Unauthenticated, /refused the authorization code/);
    });

    it("leads nowhere for others, and after a change", async () => {
      await refusal(rig.signIn(client, "eve"), Code.PermissionDenied, /at evil\.example/);
      const redirect = await rig.redirect(client);
      const providerState = redirect.providerState.with(20, (redirect.providerState[20] ?? 0) ^ 1);
      const changed = client.completeLogin({ ...redirect, providerState });
      await refusal(changed, Code.Unauthenticated, /was altered/);
      await refusal(client.beginLogin({ callbackUrl: "" }), Code.InvalidArgument, /server\.baseUrl/);
    });

    it("takes bearer tokens, and tells how long a session lasts", async () => {
      const token = await rig.issuer.accessToken();
      assert.equal((await client.validateExternalToken({ token })).email, "Ada@Acme.com");
      const forged = `${token.slice(0, -8)}AAAAAAAA`;
      await refusal(client.validateExternalToken({ token: forged }), Code.Unauthenticated, /signature/, [forged]);
      assert.equal((await client.getSessionSettings({})).sessionTtlSeconds, 3600n);
    });

    it("says that the issuer is busy", async () => {
      const redirect = await rig.redirect(client);
      rig.issuer.forget();
      rig.issuer.answer("/token", () => new Response("", { status: 429 }));
      await refusal(client.completeLogin(redirect), Code.Unavailable, /asks for fewer requests/, [CLIENT_SECRET]);
      rig.issuer.answer("/token", undefined);
      assert.equal(rig.issuer.asked("/token"), 1, "neither worker nor bridge may try a code again");
    });

    it("that is given up is given up at the issuer too", async () => {
      const redirect = await rig.redirect(client);
      const { answer, asked, gone } = silence();
      rig.issuer.answer("/token", answer);
      const caller = new AbortController();
      const call = client.completeLogin(redirect, { signal: caller.signal });
      void asked.then(() => caller.abort());
      await refusal(call, Code.Canceled, /./);
      await gone;
      rig.issuer.answer("/token", undefined);
    });

    it("that is given up leaves a document that others wait for", async () => {
      await rig.clock(11 * 60_000 * (1 + GRPC_CLIENTS.indexOf(library)));
      const path = "/.well-known/openid-configuration";
      const asked = Promise.withResolvers<void>();
      const release = Promise.withResolvers<void>();
      rig.issuer.forget();
      rig.issuer.answer(path, async (_request, forward) => {
        asked.resolve();
        await release.promise;
        return forward();
      });
      const first = new AbortController();
      const left = client.beginLogin({ callbackUrl: CALLBACK }, { signal: first.signal });
      await asked.promise;
      const second = loginUrl(client);
      // By the time a later one has waited in vain, the second waits for the first's document.
      await refusal(client.beginLogin({ callbackUrl: CALLBACK }, { timeoutMs: 100 }), Code.DeadlineExceeded, /./);
      first.abort();
      await refusal(left, Code.Canceled, /./);
      release.resolve();
      assert.match(await second, /\/auth\?/);
      rig.issuer.answer(path, undefined);
      assert.equal(rig.issuer.asked(path), 1);
      await rig.clock(0);
    });
  });
}
