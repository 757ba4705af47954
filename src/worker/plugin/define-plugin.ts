// `definePlugin({ … })`: operations and hooks become a provider of kind plugin.
import { type AnyHostUse, type HostUse, usesOf } from "../host/uses.ts";
import type { Provider, ProviderOptions } from "../provider.ts";
import { providerBase } from "../sessions/lifecycle.ts";
import type { HTTPSubjectResolver } from "./http-subject.ts";
import type { Operation } from "./operation.ts";
import { operationsById } from "./operations.ts";
import type { PluginRequest } from "./plugin-request.ts";
import type { PostConnect } from "./post-connect.ts";
import { pluginSurface } from "./surface.ts";

export interface PluginOptions<Config, Use extends HostUse = AnyHostUse> extends ProviderOptions<Config, Use> {
  /** A list, or an object whose keys are the ids. */
  readonly operations: readonly Operation<NoInfer<Config>>[] | Readonly<Record<string, Operation<NoInfer<Config>>>>;
  /**
   * The operations that exist for this caller beside those above. gestaltd then asks before every call, so give it only
   * where operations really depend on the caller. An operation above may come back with another description or
   * visibility, but keeps its handler.
   */
  readonly sessionCatalog?: (
    request: PluginRequest<NoInfer<Config>, NoInfer<Use>>,
  ) => readonly Operation<NoInfer<Config>>[] | Promise<readonly Operation<NoInfer<Config>>[]>;
  /** Runs once after a user has connected an account. */
  readonly postConnect?: PostConnect<NoInfer<Config>, NoInfer<Use>>;
  /** Decides for each request on an HTTP binding which subject it acts for; `HTTPSubjectError` refuses it. */
  readonly resolveHTTPSubject?: HTTPSubjectResolver<NoInfer<Config>, NoInfer<Use>>;
  /** Whose credential operations run with. gestaltd reads it from the manifest, other tools from here. */
  readonly connectionMode?: "none" | "user" | "platform";
  /** Ways to connect: `oauth2`, `bearer`, `manual`. */
  readonly authTypes?: readonly string[];
  /** What to ask for when connecting, by name. */
  readonly connectionParams?: Readonly<Record<string, ConnectionParam>>;
  /** SVG document as text. */
  readonly iconSvg?: string;
}

export interface ConnectionParam {
  readonly required?: boolean;
  readonly description?: string;
  readonly defaultValue?: string;
  /** Where the value is taken from when the user is not asked for it, and which field there holds it. */
  readonly from?: string;
  readonly field?: string;
}

/** Throws a TypeError for operation ids that are missing, malformed or used twice, before anything is served. */
export function definePlugin<Config = unknown, Use extends HostUse = AnyHostUse>(
  options: PluginOptions<Config, Use>,
): Provider {
  const operations = operationsById(options.operations);
  const base = providerBase(options, usesOf(options.uses, ...Array.from(operations.values(), ({ uses }) => uses)));
  return { kind: "plugin", ...base, surfaces: [pluginSurface({ options, operations, ...base })] };
}
