// What the author of an authorization provider writes, and what becomes of it.
import type { ProviderRequest } from "../call.ts";
import type { AuthorizationModel } from "../host/authorization/objects.ts";
import type { AnyHostUse, HostUse } from "../host/uses.ts";
import type { Provider, ProviderOptions } from "../provider.ts";
import { providerBase } from "../sessions/lifecycle.ts";
import type {
  ActionPage,
  ActionSearchInput,
  AuthorizationDecision,
  AuthorizationEvaluation,
  AuthorizationPaging,
  ModelPage,
  RelationshipPage,
  RelationshipReadInput,
  RelationshipWriteInput,
  ResourcePage,
  ResourceSearchInput,
  StoredModelRef,
  SubjectPage,
  SubjectSearchInput,
} from "./objects.ts";
import { authorizationSurface } from "./surface.ts";

/**
 * The handlers of an authorization provider. Types, ids, names and models are checked before a handler runs. The five that must be
 * there are those gestaltd cannot start without: it reads model and relationships, writes what its own config says, again
 * every 5 seconds, and then asks. A `ConnectError` thrown goes out as it is, anything else as INTERNAL.
 */
export interface AuthorizationHandlers<Config = unknown, Use extends HostUse = AnyHostUse> {
  evaluate(
    input: AuthorizationEvaluation,
    request: ProviderRequest<Config, NoInfer<Use>>,
  ): Promise<AuthorizationDecision> | AuthorizationDecision;
  /** One decision for each, in order. Made of `evaluate` when left out, six at a time. gestaltd asks this way only. */
  evaluateMany?(
    input: { readonly evaluations: readonly AuthorizationEvaluation[] },
    request: ProviderRequest<Config, NoInfer<Use>>,
  ): Promise<readonly AuthorizationDecision[]> | readonly AuthorizationDecision[];
  /** Stored relationships that match, in an order that stays the same from page to page. */
  readRelationships(
    input: RelationshipReadInput,
    request: ProviderRequest<Config, NoInfer<Use>>,
  ): Promise<RelationshipPage> | RelationshipPage;
  /** All changes are made, or none. */
  writeRelationships(
    input: RelationshipWriteInput,
    request: ProviderRequest<Config, NoInfer<Use>>,
  ): Promise<void> | void;
  /** Undefined when no model has been written. */
  getActiveModel(
    request: ProviderRequest<Config, NoInfer<Use>>,
  ): Promise<StoredModelRef | undefined> | StoredModelRef | undefined;
  /** Puts a model in force. The same model must get the same id: gestaltd writes it every 5 seconds. */
  writeModel(
    input: { readonly model: AuthorizationModel },
    request: ProviderRequest<Config, NoInfer<Use>>,
  ): Promise<StoredModelRef> | StoredModelRef;
  /** The models that were ever in force. When left out, the one that is. */
  listModels?(
    input: AuthorizationPaging,
    request: ProviderRequest<Config, NoInfer<Use>>,
  ): Promise<ModelPage> | ModelPage;
  /** Subjects that may do the action on the resource: the only search gestaltd offers plugins. UNIMPLEMENTED when left out. */
  searchSubjects?(
    input: SubjectSearchInput,
    request: ProviderRequest<Config, NoInfer<Use>>,
  ): Promise<SubjectPage> | SubjectPage;
  /** Resources on which the subject may do the action. UNIMPLEMENTED when left out. */
  searchResources?(
    input: ResourceSearchInput,
    request: ProviderRequest<Config, NoInfer<Use>>,
  ): Promise<ResourcePage> | ResourcePage;
  /** Actions that the subject may do on the resource. UNIMPLEMENTED when left out. */
  searchActions?(
    input: ActionSearchInput,
    request: ProviderRequest<Config, NoInfer<Use>>,
  ): Promise<ActionPage> | ActionPage;
}

/** gestaltd offers authorization providers its databases, as `indexedDB` in `uses`, and no other host service. */
export interface AuthorizationProviderOptions<Config = unknown, Use extends HostUse = AnyHostUse>
  extends ProviderOptions<Config, Use>,
    AuthorizationHandlers<Config, Use> {}

/** Makes an authorization provider for `serve({ … })`. */
export function defineAuthorizationProvider<Config = Record<string, unknown>, Use extends HostUse = AnyHostUse>(
  options: AuthorizationProviderOptions<Config, Use>,
): Provider {
  const base = providerBase(options);
  return { kind: "authorization", ...base, surfaces: [authorizationSurface(options, base.uses)] };
}
