// The size of a bundle as Cloudflare counts it.
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { WorkerBundle } from "../bridge/embedded/bundle.ts";

/** Largest Worker after gzip, in bytes (Workers platform limits, "Worker size"). */
export const BUNDLE_LIMITS = { free: 3_000_000, paid: 10_000_000 } as const;

export interface BundleSize {
  /** Code and modules, in bytes. */
  readonly raw: number;
  /** The same after gzip: what the limits count. */
  readonly gzip: number;
}

export async function bundleSize({ code, modules, bytes }: WorkerBundle): Promise<BundleSize> {
  const all = Buffer.concat([Buffer.from(code), ...modules.map(({ contents }) => contents)]);
  return { raw: bytes, gzip: (await promisify(gzip)(all)).byteLength };
}
