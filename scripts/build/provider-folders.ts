// dist/<kind>/: manifest, config schema and bridge, from which gestaltd starts a provider of that kind
// (`source: {path: …/dist/cache/manifest.yaml}`).
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { providerJsonSchema } from "../../src/bridge/config/json-schema.ts";
import { BRIDGE_KINDS, RUNTIME_KIND } from "../../src/bridge/kinds.ts";
import { BRIDGE_FILE, type BuiltBridge } from "./bridge.ts";

export const SCHEMA_FILE = "config.schema.json";

/** First part of every manifest's `source`; gestaltd wants a host, an owner and a repository. */
export const SOURCE_PREFIX = "gestalt-edge.dev/gestalt/edge";

/** The runtime kind is missing here: gestaltd takes it only as a release (runtime-release.ts). */
export function writeProviderFolders(dist: string, bridge: BuiltBridge): void {
  for (const kind of BRIDGE_KINDS) {
    if (kind === RUNTIME_KIND) continue;
    const folder = join(dist, kind.name);
    mkdirSync(folder, { recursive: true });
    copyFileSync(bridge.path, join(folder, BRIDGE_FILE));
    writeFileSync(join(folder, SCHEMA_FILE), `${JSON.stringify(providerJsonSchema(kind), null, 2)}\n`);
    writeFileSync(
      join(folder, "manifest.yaml"),
      stringify({
        kind: kind.manifest ?? kind.name,
        source: `${SOURCE_PREFIX}/${kind.source ?? kind.name}`,
        version: bridge.version,
        displayName: kind.displayName,
        description: kind.description,
        artifacts: [{ path: BRIDGE_FILE }],
        entrypoint: { artifactPath: BRIDGE_FILE, args: [kind.name] },
        spec: { configSchemaPath: SCHEMA_FILE },
      }),
    );
  }
}
