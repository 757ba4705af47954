// The worker under test: secrets from bindings, in several ways of allowing them, and authored providers.
import { bindingSecrets } from "../../src/providers/secrets-bindings/index.ts";
import { type BackoffSources, Code, ConnectError, defineSecretsProvider, serve } from "../../src/worker/index.ts";

const VALUE = "s3cr3t-value";

let pauses: number[] = [];
let gets = 0;
let failures: { times: number; message: string } = { times: 0, message: "" };

const backoff: BackoffSources = {
  random: () => 0.5,
  async sleep(milliseconds) {
    pauses.push(milliseconds);
  },
};

/** A Secrets Store that fails as often as it was told to. */
const flaky = {
  async get() {
    gets++;
    if (failures.times-- > 0) throw new Error(`${failures.message} ${VALUE}`);
    return "at last";
  },
};

const app = serve({
  prefixed: bindingSecrets({ backoff }),
  listed: bindingSecrets({
    allow: {
      "stripe/key": "STRIPE_KEY",
      store: "STORE_SECRET",
      "prod-db": "DATABASE",
      gone: "NOWHERE",
      kv: "KV",
      objects: "OBJECTS",
      json: "JSON_VARIABLE",
    },
    backoff,
  }),
  both: bindingSecrets({ allow: ["STRIPE_KEY"], prefix: "SECRET_" }),
  authored: defineSecretsProvider({
    getSecret({ name }) {
      switch (name) {
        case "one":
          return "1";
        case "null":
          return null;
        case "empty":
          return "";
        case "number":
          return 7 as unknown as string;
        case "half":
          return "\ud800";
        case "refused":
          throw new ConnectError("not for you", Code.PermissionDenied);
        case "thrown":
          throw new TypeError(`the password is ${VALUE}\n    at ${VALUE} (/file:1:1)`);
        case "thrown text":
          throw VALUE;
        default:
          return undefined;
      }
    },
  }),
});

export default {
  async fetch(request: Request, env: object, context: ExecutionContext): Promise<Response> {
    if (new URL(request.url).pathname === "/test/failures") {
      const observed = { pauses, gets };
      [pauses, gets, failures] = [[], 0, await request.json()];
      return Response.json(observed);
    }
    return app.fetch(request, { ...env, SECRET_FLAKY: flaky, JSON_VARIABLE: { a: 1 } }, context);
  },
};
