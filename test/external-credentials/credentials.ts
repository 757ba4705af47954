// Starts the worker under test and gives ExternalCredentialProvider clients, with short ways to say what tests say often.
import assert from "node:assert/strict";
import type { DescMessage, JsonObject, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import { CredentialKeysService } from "../../src/gen/gestalt/edge/v1/edge_pb.ts";
import {
  type ExternalCredential,
  type ExternalCredentialAuthConfigSchema,
  ExternalCredentialProvider,
  type ExternalCredentialSchema,
  type ResolveExternalCredentialRequestSchema,
} from "../../src/gen/gestalt/provider/v1/external_credential_pb.ts";
import { refused as refusedAsUsual } from "../support/refused.ts";
import { startWorker, type TestWorker } from "../support/worker-harness.ts";

export type CredentialsClient = Client<typeof ExternalCredentialProvider>;
/** Fields of a message, and not the message itself, so that they can be put together. */
type Fields<S extends DescMessage> = Exclude<MessageInitShape<S>, MessageShape<S>>;
export type Auth = Fields<typeof ExternalCredentialAuthConfigSchema>;
export type CredentialFields = Fields<typeof ExternalCredentialSchema>;
export type ResolveFields = Fields<typeof ResolveExternalCredentialRequestSchema>;

/** Worker secrets of the worker under test. The first encrypts unless a session's config says otherwise. */
export const KEYS = {
  GESTALT_EDGE_CREDENTIALS_KEY: "k1-0123456789abcdef0123456789abcdef",
  KEY_2: "k2-0123456789abcdef0123456789abcdef",
  KEY_3: "k3-0123456789abcdef0123456789abcdef",
} as const;

/** One of `rows()`: what lies on disk. */
export type Row = Readonly<Record<string, string | number | null>>;

export interface Credentials {
  readonly worker: TestWorker;
  /** Everything the worker has printed. */
  readonly log: readonly string[];
  /** A client in a session of its own; each store is a world of its own. */
  client(config?: JsonObject, provider?: "store" | "plain" | "careless"): CredentialsClient;
  keys(config?: JsonObject): Client<typeof CredentialKeysService>;
  control<Answer = unknown>(name: string, body?: unknown): Promise<Answer>;
  /** Moves the objects' clock on by so many milliseconds. */
  advance(milliseconds: number): Promise<void>;
  rows(store?: string): Promise<Row[]>;
  /** Posts one call as JSON, for what a typed client cannot send. */
  postJson(method: string, body: string, config?: JsonObject): Promise<Response>;
  stop(): Promise<void>;
}

export async function startCredentials(
  vars: Readonly<Record<string, string>> = {},
  entry = "./credentials.worker.ts",
): Promise<Credentials> {
  const log: string[] = [];
  const worker = await startWorker({
    entry: new URL(entry, import.meta.url),
    vars: { ...KEYS, SHORT_KEY: "too short", ...vars },
    durableObjects: { CREDENTIALS_OBJECT: { className: "TestCredentialsObject", useSQLite: true } },
    onLog: (line) => log.push(line),
  });
  let sessions = 0;
  const control = async <Answer>(name: string, body: unknown = null) => {
    const response = await worker.fetch(`/test/${name}`, { method: "POST", body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`/test/${name}: ${await response.text()}`);
    return (await response.json()) as Answer;
  };
  const claims = (provider: string, config: JsonObject) => ({ provider, config, sid: `session-${sessions++}` });
  return {
    worker,
    log,
    client: (config = {}, provider = "store") => worker.client(ExternalCredentialProvider, claims(provider, config)),
    keys: (config = {}) => worker.client(CredentialKeysService, claims("store", config)),
    control,
    advance: async (milliseconds) => void (await control("advance", milliseconds)),
    rows: (store = "credentials") => control("rows", store),
    postJson: async (method, body, config = {}) =>
      worker.fetch(`/${ExternalCredentialProvider.typeName}/${method}`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          authorization: `Bearer ${await worker.token({ provider: "store", config })}`,
        },
        body,
      }),
    stop: () => worker.dispose(),
  };
}

/** A credential of `user:ada` with GitHub, unless told otherwise. */
export function credential(fields: CredentialFields = {}): CredentialFields {
  return { subjectId: "user:ada", connectionId: "github:default", accessToken: "at-1", ...fields };
}

/** A call for the token of that credential. */
export function resolving(auth: Auth, fields: ResolveFields = {}): ResolveFields {
  return {
    ...{ provider: "github", connection: "default", connectionId: "github:default", mode: "user" },
    ...{ credentialSubjectId: "user:ada", auth },
    ...fields,
  };
}

/** A call for the token of a platform connection. */
export function resolvingPlatform(auth: Auth, fields: ResolveFields = {}) {
  return resolving(auth, { mode: "platform", credentialSubjectId: "", connectionId: "models:default", ...fields });
}

export function oauth(url: string, more: Auth = {}): Auth {
  return { type: "oauth2", tokenUrl: url, clientId: "client-1", clientSecret: "cs-s3cr3t", ...more };
}

/** A Timestamp so many seconds after `now`, in milliseconds. */
export function after(now: number, seconds: number) {
  return timestampFromDate(new Date(now + seconds * 1000));
}

export function secondsFrom(now: number, time: ExternalCredential["expiresAt"]): number | undefined {
  return time && Math.round((timestampDate(time).getTime() - now) / 1000);
}

/** For `assert.rejects`: a refusal with this code and text, which says nothing secret. */
export function refused(code: Code, text = /./): (error: unknown) => boolean {
  return (error) => {
    const { rawMessage } = ConnectError.from(error);
    assert.doesNotMatch(rawMessage, /s3cr3t/);
    if (code === Code.FailedPrecondition && !/ambiguous/.test(text.source)) {
      assert.doesNotMatch(rawMessage, /ambiguous/i, "gestaltd would ask for an instance");
    }
    return refusedAsUsual(code, text)(error);
  };
}
