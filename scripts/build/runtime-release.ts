// dist/runtime/: the runtime kind as a local release. gestaltd v0.0.1-alpha.20 refuses a plain manifest of this kind
// ("unsupported Python runtime kind"), so it gets `source: {path: …/dist/runtime/provider-release.yaml}`.
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { stringify } from "yaml";
import { runtimeJsonSchema } from "../../src/bridge/config/json-schema.ts";
import { RUNTIME_KIND } from "../../src/bridge/kinds.ts";
import { BRIDGE_FILE, type BuiltBridge } from "./bridge.ts";
import { SCHEMA_FILE, SOURCE_PREFIX } from "./provider-folders.ts";
import { type TarEntry, tar } from "./tar.ts";

const ARCHIVE = "runtime.tar.gz";
const SOURCE = `${SOURCE_PREFIX}/${RUNTIME_KIND.name}`;

/** The bridge runs on all of them; gestaltd wants one artifact, and one path, for each. */
const PLATFORMS = [
  { os: "linux", arch: "amd64" },
  { os: "linux", arch: "arm64" },
  { os: "darwin", arch: "amd64" },
  { os: "darwin", arch: "arm64" },
] as const;

export function writeRuntimeRelease(dist: string, bridge: BuiltBridge): void {
  const folder = join(dist, RUNTIME_KIND.name);
  mkdirSync(folder, { recursive: true });
  const archive = gzipSync(tar(archiveEntries(bridge)), { level: 9 });
  writeFileSync(join(folder, ARCHIVE), archive);
  const artifact = { path: ARCHIVE, sha256: sha256(archive) };
  const release = {
    schema: "gestaltd-provider-release",
    schemaVersion: 1,
    package: SOURCE,
    kind: RUNTIME_KIND.name,
    version: bridge.version,
    runtime: "executable",
    artifacts: Object.fromEntries(PLATFORMS.map(({ os, arch }) => [`${os}/${arch}`, artifact])),
  };
  writeFileSync(join(folder, "provider-release.yaml"), stringify(release, { aliasDuplicateObjects: false }));
}

/** Only the entry point is executed: the first platform's artifact is the bridge, the others' are markers. */
function archiveEntries({ contents, version }: BuiltBridge): TarEntry[] {
  const artifacts = PLATFORMS.map(({ os, arch }, index) => {
    const marker = Buffer.from(`${os}/${arch}\n`);
    const file = index === 0 ? { path: BRIDGE_FILE, contents } : { path: `platform/${os}-${arch}`, contents: marker };
    return { os, arch, ...file };
  });
  const manifest = {
    kind: RUNTIME_KIND.name,
    source: SOURCE,
    version,
    displayName: RUNTIME_KIND.displayName,
    description: RUNTIME_KIND.description,
    artifacts: artifacts.map(({ os, arch, path, contents: bytes }) => ({ os, arch, path, sha256: sha256(bytes) })),
    entrypoint: { artifactPath: BRIDGE_FILE, args: [RUNTIME_KIND.name] },
    spec: { configSchemaPath: SCHEMA_FILE },
  };
  const schema = `${JSON.stringify(runtimeJsonSchema(), null, 2)}\n`;
  return [
    { path: "manifest.yaml", mode: 0o644, contents: Buffer.from(stringify(manifest)) },
    { path: SCHEMA_FILE, mode: 0o644, contents: Buffer.from(schema) },
    ...artifacts.map(({ path, contents: bytes }) => ({ path, mode: 0o755, contents: bytes })),
  ];
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
