// Objects as paths of a URL: `/objects/<provider>/<bucket>/<key>`.
import { PUBLIC_OBJECTS_PREFIX } from "../../wire/routes.ts";

/** What a path names. */
export interface ObjectPath {
  readonly provider: string;
  readonly bucket: string;
  readonly key: string;
}

/** The path, percent-encoded. Undefined for the names no URL can carry: a bucket or key that is `.` or `..`. */
export function pathOf({ provider, bucket, key }: ObjectPath): string | undefined {
  if (isDot(bucket) || isDot(key)) return undefined;
  // Proxies and URL parsers fold `//`, `/./` and `/../`, so in a key that has them no slash stays one.
  const path = isStable(key) ? encodedKey(key) : encodedSegment(key);
  return `${PUBLIC_OBJECTS_PREFIX}${encodedSegment(provider)}/${encodedSegment(bucket)}/${path}`;
}

/** What a path names, or undefined when it is none of {@link pathOf}. */
export function parsePath(path: string): ObjectPath | undefined {
  const match = /^([^/]+)\/([^/]+)\/(.+)$/.exec(path.slice(PUBLIC_OBJECTS_PREFIX.length));
  const [provider, bucket, key] = (match?.slice(1) ?? []).map(decoded);
  if (provider === undefined || bucket === undefined || key === undefined) return undefined;
  return { provider, bucket, key };
}

/** A key with its slashes, every other byte but the unreserved ones encoded: also the form that SigV4 signs. */
export function encodedKey(key: string): string {
  return encodedSegment(key).replaceAll("%2F", "/");
}

/** Whether a URL parser would fold part of the key away. */
export function hasDotSegment(key: string): boolean {
  return key.split("/").some(isDot);
}

function isStable(key: string): boolean {
  return !hasDotSegment(key) && !key.startsWith("/") && !key.includes("//");
}

function isDot(segment: string): boolean {
  return segment === "." || segment === "..";
}

function encodedSegment(text: string): string {
  // Reserved, yet left alone by encodeURIComponent (RFC 3986 §2.2).
  const reserved = /[!'()*]/g;
  return encodeURIComponent(text).replace(reserved, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
