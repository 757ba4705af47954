// Tests of credentials that need a store and an endpoint to get tokens from: one of each for all tests of a `describe`.
import { after, before, describe } from "node:test";
import { type Credentials, startCredentials } from "./credentials.ts";
import { startTokenEndpoint, type TokenEndpoint } from "./token-endpoint.ts";

/** Both are there once tests run, not yet when they are declared. */
export interface WithEndpoint {
  readonly credentials: Credentials;
  readonly endpoint: TokenEndpoint;
}

export function describeWithEndpoint(title: string, declare: (on: WithEndpoint) => void): void {
  describe(title, () => {
    let credentials: Credentials | undefined;
    let endpoint: TokenEndpoint | undefined;
    before(async () => {
      [credentials, endpoint] = await Promise.all([startCredentials(), startTokenEndpoint()]);
    });
    after(async () => {
      await credentials?.stop();
      await endpoint?.stop();
    });
    declare({
      get credentials() {
        return started(credentials);
      },
      get endpoint() {
        return started(endpoint);
      },
    });
  });
}

function started<T>(fixture: T | undefined): T {
  if (fixture === undefined) throw new Error("Only tests may use this, not their declaration.");
  return fixture;
}
