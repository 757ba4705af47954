// A provider's manifest as gestaltd reads it from `manifest.yaml` or `manifest.json` (strictly: an unknown key is an
// error). A plain object; whoever writes the file prints it.

/** Kinds of manifest that we write. */
export type ManifestKind =
  | "plugin"
  | "runtime"
  | "cache"
  | "s3"
  | "secrets"
  | "authentication"
  | "authorization"
  | "external_credentials"
  | "indexeddb"
  | "workflow"
  | "agent";

export interface ManifestOptions {
  readonly kind: ManifestKind;
  /** `host/owner/repo/path`: at least four segments, the host with a dot. */
  readonly source: string;
  /** Semantic version. */
  readonly version: string;
  readonly displayName?: string;
  readonly description?: string;
  /** SVG file beside the manifest. */
  readonly iconFile?: string;
  /** Files that gestaltd copies and starts; each path is relative to the manifest, and a single file. */
  readonly artifacts?: readonly ManifestArtifact[];
  /** Must name one of `artifacts`. */
  readonly entrypoint?: { readonly artifactPath: string; readonly args?: readonly string[] };
  /** JSON Schema file that gestaltd checks the config against. */
  readonly configSchemaPath?: string;
  /** The rest of `spec`, for plugins: connections, http, mcp and the like. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

export interface ManifestArtifact {
  /** In Go's words: `linux`, `darwin`; `amd64`, `arm64`. gestaltd needs both in a release, and neither in a local manifest. */
  readonly os?: string;
  readonly arch?: string;
  readonly libc?: string;
  readonly path: string;
  /** 64 hexadecimal digits; gestaltd computes it when left out. */
  readonly sha256?: string;
}

export interface ManifestDocument extends Omit<ManifestOptions, "configSchemaPath" | "spec"> {
  readonly spec: Readonly<Record<string, unknown>>;
}

/** gestaltd's rule for the segments of a source (packageio/manifest.go). */
const SEGMENT = /^[a-z0-9][a-z0-9._-]*$/;

/** Semantic version, as semver.org spells it. */
const VERSION =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/;

/** Throws an Error saying what gestaltd would refuse. */
export function manifestDocument(options: ManifestOptions): ManifestDocument {
  const fault = faultOf(options);
  if (fault !== undefined) throw new Error(`The manifest would be refused: ${fault}`);
  const { configSchemaPath, spec, ...head } = options;
  return {
    ...head,
    // Required for plugins, allowed to be empty for all.
    spec: { ...(configSchemaPath === undefined ? {} : { configSchemaPath }), ...spec },
  };
}

function faultOf({ source, version, artifacts = [], entrypoint, iconFile, configSchemaPath }: ManifestOptions) {
  const segments = source.split("/");
  if (segments.length < 4 || !segments.every((segment) => SEGMENT.test(segment)) || !segments[0]?.includes(".")) {
    return `source "${source}" is not host/owner/repo/path in lower case.`;
  }
  if (!VERSION.test(version)) return `version "${version}" is no semantic version.`;
  const paths = artifacts.map(({ path }) => path);
  const outside = [...paths, iconFile, configSchemaPath].find((path) => path !== undefined && !isInside(path));
  if (outside !== undefined) return `"${outside}" is not a path below the manifest.`;
  const platforms = artifacts
    .filter(({ os }) => os !== undefined)
    .map(({ os, arch, libc = "" }) => `${os}/${arch}/${libc}`);
  if (new Set(platforms).size < platforms.length) return "two artifacts are for one platform.";
  if (new Set(paths).size < paths.length) return "two artifacts have one path.";
  if (entrypoint !== undefined && !paths.includes(entrypoint.artifactPath)) {
    return `entrypoint "${entrypoint.artifactPath}" is none of the artifacts.`;
  }
  return undefined;
}

function isInside(path: string): boolean {
  return path !== "" && !path.startsWith("/") && !path.includes("\\") && !path.split("/").includes("..");
}
