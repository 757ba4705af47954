// Headers of the requests to a collector hold its credentials.
import type { Secrets } from "../log.ts";

const VARIABLES = ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"];

/** Remembers the values of `name=value,name=value`, as they stand there, decoded, and without a scheme like `Bearer` before them. */
export function keepHeadersSecret(env: NodeJS.ProcessEnv, secrets: Secrets): void {
  for (const variable of VARIABLES) {
    for (const pair of env[variable]?.split(",") ?? []) {
      const encoded = pair.slice(pair.indexOf("=") + 1).trim();
      const value = decoded(encoded);
      for (const secret of [encoded, value, ...value.split(" ")]) secrets.add(secret);
    }
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
