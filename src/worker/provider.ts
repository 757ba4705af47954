// A provider: what `definePlugin`, `defineCacheProvider` and their like return and `serve` takes.
import type { Bindings, Call, ProviderRequest } from "./call.ts";
import type { AnyHostUse, HostUse, Uses } from "./host/uses.ts";
import type { Session } from "./sessions/session.ts";
import type { Surface } from "./surface.ts";

/** Kinds of provider, by the names gestaltd uses in manifests. */
export type ProviderKind =
  | "plugin"
  | "cache"
  | "s3"
  | "secrets"
  | "authentication"
  | "authorization"
  | "external_credentials"
  | "indexeddb"
  | "workflow"
  | "agent";

export interface Provider {
  readonly kind: ProviderKind;
  readonly info: ProviderInfo;
  readonly lifecycle: Lifecycle;
  /** Host services its author declared, in all places together; undefined when nothing was said. */
  readonly uses?: Uses | undefined;
  /** The provider's own services. The lifecycle service is not among them: `serve` adds it. */
  readonly surfaces: readonly Surface[];
  /** JSON Schema of the config, when the author gave one; `gestalt-edge build` writes it beside the manifest. */
  readonly configSchema?: (() => Record<string, unknown>) | undefined;
  /**
   * Authenticated routes that are no Connect method, by exact path: raw upload parts for one. The answer is the handler's.
   */
  readonly routes?: Readonly<Record<string, (request: Request, call: Call) => Promise<Response>>> | undefined;
  /**
   * Serves `/objects/<provider>/…` without a session token. Must check a signature of its own before it looks at anything.
   */
  readonly publicObjects?: ((request: Request, context: PublicContext) => Promise<Response>) | undefined;
}

export interface PublicContext {
  /** The provider's name in `serve({ … })`. */
  readonly provider: string;
  readonly bindings: Bindings;
  waitUntil(promise: Promise<unknown>): void;
}

export interface ProviderInfo {
  readonly displayName: string;
  readonly description: string;
  readonly version: string;
}

/** The session's hooks in the form `serve` calls them; each `defineX` gets it from `providerBase`. */
export interface Lifecycle {
  /**
   * Checks the config of a session and runs the author's `configure`, then `start`: once per isolate and session
   * revision, before its first call. `undefined` when that has been done, which is nearly always.
   */
  configure(session: Session, call: Call): Promise<void> | undefined;
  healthCheck(call: Call): Promise<{ readonly ready: boolean; readonly message: string }>;
  warnings(call: Call): Promise<readonly string[]>;
  close(call: Call): Promise<void>;
}

/** What an author may give for any kind of provider. */
export interface ProviderOptions<Config, Use extends HostUse = AnyHostUse> {
  readonly displayName?: string;
  readonly description?: string;
  /** Semantic version; `0.0.0` when left out. */
  readonly version?: string;
  /** Zod schema of the config. With it `request.config` is typed, and bad config is refused when gestaltd configures. */
  readonly config?: ConfigSchema<Config>;
  /**
   * Host services of gestaltd that the provider uses, as `request.host` names them; `"s3?"` is one it also works without.
   * `request.host` then has these and no others, and a session that lacks a required one is refused when it is configured.
   * Without `uses`, `request.host` has whatever is offered, and each service may be missing.
   */
  readonly uses?: readonly Use[];
  /** Runs once per isolate and session, before its first call, after the config was checked. */
  readonly configure?: (request: ProviderRequest<Config, NoInfer<Use>>) => void | Promise<void>;
  /** Runs once after `configure`. */
  readonly start?: (request: ProviderRequest<Config, NoInfer<Use>>) => void | Promise<void>;
  /** Answers gestaltd's health check; throwing or returning a message with `ready: false` says it is not ready. */
  readonly healthCheck?: (
    request: ProviderRequest<Config, NoInfer<Use>>,
  ) => HealthReport | undefined | Promise<HealthReport | undefined>;
  /** Sentences for the operator, shown by gestaltd after configuration. */
  readonly warnings?: (
    request: ProviderRequest<Config, NoInfer<Use>>,
  ) => readonly string[] | Promise<readonly string[]>;
  /** Best effort: the session has ended and this isolate heard of it. Workers have no shutdown. */
  readonly close?: (request: ProviderRequest<Config, NoInfer<Use>>) => void | Promise<void>;
}

export interface HealthReport {
  readonly ready: boolean;
  readonly message?: string;
}

/** The part of a zod 4 schema that config needs. */
export interface ConfigSchema<Config> {
  readonly _zod: { readonly output: Config };
}
