// The request object of plugin handlers: everything gestaltd says about a call.
import type { RequestContext } from "../../gen/gestalt/provider/v1/context_pb.ts";
import type { JsonObject } from "../../wire/session-token.ts";
import { bareObject } from "../bare-object.ts";
import type { Call, ProviderRequest } from "../call.ts";
import { requestHost } from "../host/request-host.ts";
import type { AnyHostUse, HostFor, HostUse, Uses } from "../host/uses.ts";
import { providerRequest } from "../sessions/provider-request.ts";
import { OperationError } from "./response.ts";

/** Parts that gestaltd left out are undefined; texts it left out are empty. */
export interface PluginRequest<Config = unknown, Use extends HostUse = AnyHostUse>
  extends ProviderRequest<Config, Use> {
  /** The resolved credential's secret, an access token for one; empty when the connection needs none. */
  readonly token: string;
  /** Parameters stored with the connection. */
  readonly connectionParams: Readonly<Record<string, string>>;
  /** On whose behalf the operation runs. */
  readonly subject: Subject | undefined;
  /** Who started the agent, when an agent makes the call. */
  readonly agentSubject: Subject | undefined;
  /** The subject in the connected external system. */
  readonly externalIdentity: ExternalIdentity | undefined;
  /** The agent's subject in the connected external system. */
  readonly agentExternalIdentity: ExternalIdentity | undefined;
  /** Which stored credential `token` came from. */
  readonly credential: Credential | undefined;
  /** The authorization decision that let the call through. */
  readonly access: Access | undefined;
  /** The workflow run that makes the call, as free-form data. */
  readonly workflow: JsonObject | undefined;
  readonly host: Host & HostFor<Use>;
  /** Identifies the call in gestaltd's logs. */
  readonly invocationId: string;
  /** Opaque proof of this call, for calls back to gestaltd. A secret. */
  readonly invocationToken: string;
  /** Two calls with the same key should have one effect; empty on plain HTTP calls. */
  readonly idempotencyKey: string;
}

export interface Subject {
  /** With its kind as prefix: `user:…`, `system:config`. */
  readonly id: string;
  readonly kind: string;
  readonly displayName: string;
  /** How the subject was authenticated. */
  readonly authSource: string;
}

export interface ExternalIdentity {
  readonly type: string;
  readonly id: string;
}

export interface Credential {
  /** How it was chosen: `none`, `user` or `platform`. */
  readonly mode: string;
  readonly subjectId: string;
  /** The connection's name in the manifest. */
  readonly connection: string;
  /** Tells several credentials of one connection apart. */
  readonly instance: string;
}

export interface Access {
  readonly policy: string;
  readonly role: string;
}

export interface Host {
  /** Where gestaltd is reachable from outside; empty when not configured. */
  readonly publicBaseUrl: string;
}

/** What the messages for Execute, session catalogs and HTTP subjects have in common, all of it optional. */
export interface WireRequest {
  readonly token?: string;
  readonly connectionParams?: Readonly<Record<string, string>>;
  readonly invocationId?: string;
  readonly invocationToken?: string;
  readonly idempotencyKey?: string;
  readonly context?: RequestContext | undefined;
}

/** For a call of a session whose hooks have run. `uses` is what its handler may use. */
export function pluginRequest<Config, Use extends HostUse = AnyHostUse>(
  call: Call,
  wire: WireRequest,
  uses: Uses | undefined,
): PluginRequest<Config, Use> {
  const { context, invocationToken = "" } = wire;
  const base = providerRequest<Config>(call);
  let host: (Host & HostFor<Use>) | undefined;
  return {
    name: base.name,
    config: base.config,
    env: base.env,
    bindings: base.bindings,
    // Getters here too: copying `base` would make the signal and the host that most handlers never look at.
    get signal() {
      return call.signal;
    },
    get trace() {
      return base.trace;
    },
    deadline: base.deadline,
    log: base.log,
    waitUntil: base.waitUntil,
    token: wire.token ?? "",
    connectionParams: bareObject(wire.connectionParams),
    subject: subjectOf(context?.subject),
    agentSubject: subjectOf(context?.agentSubject),
    externalIdentity: identityOf(context?.externalIdentity),
    agentExternalIdentity: identityOf(context?.agentExternalIdentity),
    credential: credentialOf(context?.credential),
    access: context?.access && { policy: context.access.policy, role: context.access.role },
    workflow: context?.workflow as JsonObject | undefined,
    get host() {
      const publicBaseUrl = context?.host?.publicBaseUrl ?? "";
      host ??= requestHost({ publicBaseUrl }, call, uses, invocationToken) as Host & HostFor<Use>;
      return host;
    },
    invocationId: wire.invocationId ?? "",
    invocationToken,
    idempotencyKey: wire.idempotencyKey ?? "",
  };
}

/** A connection parameter that the operation cannot do without; answers 400 when the connection lacks it. */
export function connectionParam(request: PluginRequest, name: string): string {
  const value = request.connectionParams[name];
  if (value === undefined || value === "") {
    throw new OperationError(400, { error: `the connection has no parameter "${name}"` });
  }
  return value;
}

function subjectOf(subject: RequestContext["subject"]): Subject | undefined {
  if (subject === undefined) return undefined;
  const { id, kind, displayName, authSource } = subject;
  return { id, kind, displayName, authSource };
}

function identityOf(identity: RequestContext["externalIdentity"]): ExternalIdentity | undefined {
  return identity && { type: identity.type, id: identity.id };
}

function credentialOf(credential: RequestContext["credential"]): Credential | undefined {
  if (credential === undefined) return undefined;
  const { mode, subjectId, connection, instance } = credential;
  return { mode, subjectId, connection, instance };
}
