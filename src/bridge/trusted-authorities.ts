// Which authorities a TLS connection trusts that is given one more.
import { readFileSync } from "node:fs";
import { rootCertificates } from "node:tls";

/** For `ca`, which replaces Node's own list and what NODE_EXTRA_CA_CERTS added to it, so both are put back. */
export function trustedAuthorities(own: string, env: NodeJS.ProcessEnv = process.env): string[] {
  return [...rootCertificates, ...extra(env.NODE_EXTRA_CA_CERTS), own];
}

function extra(file: string | undefined): readonly string[] {
  if (!file) return [];
  try {
    return [readFileSync(file, "utf8")];
  } catch {
    // Node has warned of it when the process started, and goes on without.
    return [];
  }
}
