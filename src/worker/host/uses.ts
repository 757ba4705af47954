// Which host services a provider says it uses, and what of `request.host` its handlers see for it.
import type { HostServiceKey } from "../../wire/host-services.ts";
import type { HostServices } from "./host.ts";

/** A host service by name; with `?` behind it the provider also works without it. */
export type HostUse = HostServiceKey | `${HostServiceKey}?`;

/** `HostUse` itself stands for a provider that declares nothing: it sees every service, and each may be missing. */
export type HostFor<Use extends HostUse> = HostUse extends Use
  ? Partial<HostServices>
  : Pick<HostServices, Extract<Use, HostServiceKey>> & Partial<Pick<HostServices, OptionalKey<Use>>>;

type OptionalKey<Use> = Use extends `${infer Key extends HostServiceKey}?` ? Key : never;
