// What a session may reach and which way: its policy, and the proxy gestaltd wants its traffic to go through.
import * as z from "zod";
import { GrpcCode } from "../../wire/codes.ts";
import { type EgressClaim, egressClaim, parsePolicy } from "../../wire/egress/policy.ts";
import { MAX_EGRESS_BYTES } from "../../wire/limits.ts";
import { BridgeError } from "../errors.ts";
import type { Log, Secrets } from "../log.ts";

/** Travels on the control socket of an embedded node. The proxies' addresses hold a token, and go nowhere else. */
export const sessionEgressSchema = z.object({
  policy: z.object({ allow: z.array(z.string()), default: z.enum(["allow", "deny"]) }),
  /** `http(s)://user:token@host:port` for `http:` and for everything else. */
  proxies: z.object({ http: z.url().optional(), https: z.url().optional() }),
});

export type SessionEgress = Readonly<z.infer<typeof sessionEgressSchema>>;

export interface PluginEgress {
  /** What the policy forbids; undefined when it forbids nothing. Signed into the session's tokens. */
  readonly claim: EgressClaim | undefined;
  /** Undefined when the session needs no guard. */
  readonly guard: SessionEgress | undefined;
}

interface StartPluginEgress {
  readonly allowedHosts: readonly string[];
  readonly defaultAction: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Reads a StartPlugin request.
 *
 * @throws BridgeError INVALID_ARGUMENT when the policy is too large, or a proxy's address is none; the address is not shown.
 */
export function readEgress({ allowedHosts, defaultAction, env }: StartPluginEgress, secrets: Secrets): PluginEgress {
  const claim = egressClaim(allowedHosts, defaultAction);
  checkSize(claim);
  const http = proxyAddress(env, "HTTP_PROXY", secrets);
  const https = proxyAddress(env, "HTTPS_PROXY", secrets);
  const proxies = { ...(http === undefined ? {} : { http }), ...(https === undefined ? {} : { https }) };
  if (claim === undefined && http === undefined && https === undefined) return { claim, guard: undefined };
  const policy = claim ?? { allow: [], default: "allow" as const };
  return { claim, guard: { policy: { ...policy, allow: [...policy.allow] }, proxies } };
}

function checkSize(claim: EgressClaim | undefined): void {
  const bytes = claim === undefined ? 0 : Buffer.byteLength(JSON.stringify(claim));
  if (bytes <= MAX_EGRESS_BYTES) return;
  throw new BridgeError(
    GrpcCode.invalidArgument,
    `allowedHosts takes ${bytes} bytes as JSON, and at most ${MAX_EGRESS_BYTES} can travel with each call; use wildcards such as *.example.com`,
  );
}

/** Entries that match nothing do no harm, but the operator meant something by them. */
export function warnOfUnusableEntries({ claim }: PluginEgress, plugin: string, log: Log): void {
  if (claim === undefined) return;
  const { unusable } = parsePolicy(claim);
  if (unusable.length === 0) return;
  log.warn("entries of allowedHosts match no host; write a host, *.domain, or either with :port", { plugin, unusable });
}

function proxyAddress(env: Readonly<Record<string, string>>, name: string, secrets: Secrets): string | undefined {
  const value = env[name] || env[name.toLowerCase()];
  if (!value) return undefined;
  secrets.add(value);
  const url = URL.parse(value);
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === "") {
    throw new BridgeError(GrpcCode.invalidArgument, `the variable ${name} of StartPlugin is not the URL of a proxy`);
  }
  // The token stands in the address, but whoever sends it takes it out.
  secrets.add(decodeURIComponent(url.password));
  return url.href;
}
