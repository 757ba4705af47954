// Compile-only: what handlers of authorization and secrets providers get follows from `config` and `uses`.
import * as z from "zod";
import {
  defineAuthorizationProvider,
  defineSecretsProvider,
  type HostServices,
  type Provider,
} from "../../src/worker/index.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const assertType = <T extends true>(): T | undefined => undefined;

const config = z.object({ administrators: z.array(z.string()) });

const rest = {
  readRelationships: () => ({ relationships: [] }),
  writeRelationships: () => undefined,
  getActiveModel: () => undefined,
  writeModel: () => ({ id: "m" }),
};

export const declared: Provider = defineAuthorizationProvider({
  config,
  uses: ["indexedDB"],
  ...rest,
  evaluate: ({ subject, action }, request) => {
    assertType<Equal<typeof request.config, { administrators: string[] }>>();
    assertType<Equal<typeof request.host.indexedDB, HostServices["indexedDB"]>>();
    // @ts-expect-error: not declared
    request.host.cache;
    // A name never comes alone here, as it may for `host.authorization`.
    assertType<Equal<typeof action.name, string>>();
    return request.config.administrators.includes(subject.id);
  },
  searchSubjects: async ({ subjectType, pageSize }) => {
    assertType<Equal<typeof subjectType, string | undefined>>();
    assertType<Equal<typeof pageSize, number>>();
    return { subjects: [{ type: "user", id: "ada" }], modelId: undefined };
  },
});

export const undeclared: Provider = defineAuthorizationProvider({
  ...rest,
  evaluate: (_question, { host }) => ({ allowed: host.indexedDB !== undefined }),
});

// @ts-expect-error: gestaltd cannot start without the others
defineAuthorizationProvider({ evaluate: () => true });

// @ts-expect-error: a decision is not a text
defineAuthorizationProvider({ ...rest, evaluate: () => "yes" });

export const vault: Provider = defineSecretsProvider({
  config: z.object({ address: z.string() }),
  getSecret: ({ name }, request) => {
    assertType<Equal<typeof request.config, { address: string }>>();
    return name === "none" ? undefined : `${request.config.address}/${name}`;
  },
});

// @ts-expect-error: secrets are texts
defineSecretsProvider({ getSecret: () => 7 });
