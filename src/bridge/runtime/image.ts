// What a plugin's `runtime.template` or `runtime.image` names: a worker of the runtime's config, and the digest it must have.

export interface ImageReference {
  /** Key in the runtime's `workers`. */
  readonly worker: string;
  /** `sha256:<64 hex>` that the deployed bundle must have; undefined when every bundle will do. */
  readonly digest: string | undefined;
}

const REFERENCE = /^(?<worker>[^@]+)(?:@(?<digest>sha256:[0-9a-f]{64}))?$/;

/** Metadata keys gestaltd looks at to find sessions that are out of date (v0.0.1-alpha.20, hosted_runtime_compatibility.go). */
const EXPECTED = "runtime.expectedImage";
const CURRENT = "runtime.currentImage";
const ACTUAL = "runtime.actualImage";
const MATCH = "runtime.imageMatch";

/** `template` wins over `image`, both over the plugin's name (DESIGN §7). Undefined when the text is no reference. */
export function parseReference(template: string, image: string, plugin: string): ImageReference | undefined {
  const { worker, digest } = REFERENCE.exec(template || image || plugin)?.groups ?? {};
  if (worker === undefined) return undefined;
  // A digest may also stand in the other of the two.
  const pinned = digest ?? REFERENCE.exec(image)?.groups?.digest;
  return { worker, digest: pinned };
}

/** Whether the deployed bundle is the one asked for. An unknown digest matches only when none was asked for. */
export function imageMatches({ digest }: ImageReference, deployed: string): boolean {
  return digest === undefined || digest === deployed;
}

/** What is asked for and what is deployed, in gestaltd's words. `deployed` is a digest, or empty when unknown. */
export function imageMetadata(reference: ImageReference, deployed: string): Record<string, string> {
  const name = (digest: string) => `${reference.worker}@${digest}`;
  const expected = reference.digest === undefined ? undefined : name(reference.digest);
  const actual = deployed === "" ? undefined : name(deployed);
  const current = expected ?? actual;
  return {
    "runtime.template": reference.worker,
    ...(expected === undefined ? {} : { [EXPECTED]: expected }),
    ...(current === undefined ? {} : { [CURRENT]: current }),
    ...(actual === undefined ? {} : { [ACTUAL]: actual }),
    [MATCH]: String(imageMatches(reference, deployed)),
  };
}
