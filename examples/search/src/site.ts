// Requests to the site, and nowhere else.
import { OperationError } from "gestalt-edge";

/** The address of a path on the site. A path such as `//elsewhere` would lead off it, and is refused. */
export function siteUrl(baseUrl: string, path: string): URL {
  const base = new URL(baseUrl);
  const url = new URL(path, base);
  if (url.origin !== base.origin) throw new OperationError(400, { error: "the path leads to another site" });
  return url;
}

/** Fetches from the site. Its 404 is the caller's 404; whatever else it refuses is a bad gateway. */
export async function fetchFromSite(url: URL, accept: string, signal: AbortSignal): Promise<Response> {
  const response = await fetch(url, { headers: { accept }, signal });
  if (response.ok) return response;
  await response.body?.cancel();
  if (response.status === 404) throw new OperationError(404, { error: `the site has no ${url.pathname}` });
  throw new OperationError(502, { error: `the site answered ${response.status} for ${url.pathname}` });
}
