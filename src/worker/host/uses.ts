// Which host services a provider says it uses, and what of `request.host` its handlers see for it.
import { HOST_SERVICES, type HostServiceKey } from "../../wire/host-services.ts";
import type { HostServices } from "./host.ts";

/** A host service by name; with `?` behind it the provider also works without it. */
export type HostUse = HostServiceKey | `${HostServiceKey}?`;

/** What declaring nothing amounts to: whatever is offered is there, and each service may be missing. */
export type AnyHostUse = `${HostServiceKey}?`;

/**
 * Mapped types over the declared names, because TypeScript compares two of these by what they have: a request with more
 * services fits where fewer are needed. Conditional types it would compare by name only.
 */
export type HostFor<Use extends HostUse> = {
  readonly [Key in Exclude<Extract<Use, HostServiceKey>, OptionalKey<Use>>]: HostServices[Key];
} & { readonly [Key in OptionalKey<Use>]?: HostServices[Key] };

type OptionalKey<Use> = Use extends `${infer Key extends HostServiceKey}?` ? Key : never;

/** A declaration as data. */
export type Uses = ReadonlyMap<HostServiceKey, "required" | "optional">;

/**
 * All declarations as one: what one of them requires is required. Undefined when there is none, which declares nothing
 * and allows everything; an empty one allows nothing.
 *
 * @throws TypeError for a name that is no host service's.
 */
export function usesOf(...declared: readonly (readonly HostUse[] | undefined)[]): Uses | undefined {
  if (declared.every((list) => list === undefined)) return undefined;
  const uses = new Map<HostServiceKey, "required" | "optional">();
  for (const use of declared.flatMap((list) => list ?? [])) {
    const optional = use.endsWith("?");
    const key = keyOf(optional ? use.slice(0, -1) : use);
    if (!optional || !uses.has(key)) uses.set(key, optional ? "optional" : "required");
  }
  return uses;
}

/** What is required and not there. */
export function missingOf(uses: Uses | undefined, isThere: (key: HostServiceKey) => boolean): HostServiceKey[] {
  return [...(uses ?? [])].filter(([key, use]) => use === "required" && !isThere(key)).map(([key]) => key);
}

function keyOf(name: string): HostServiceKey {
  if (Object.hasOwn(HOST_SERVICES, name)) return name as HostServiceKey;
  throw new TypeError(`uses: "${name}" is no host service; there are ${Object.keys(HOST_SERVICES).join(", ")}.`);
}
