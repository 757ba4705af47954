// `fetch` that asks before each hop. Redirects are followed here, since workerd would follow them unasked.
import { checkUrl } from "./check.ts";

type Fetch = typeof fetch;

/** Fetch standard, "HTTP-redirect fetch": more is a network error. */
const MAX_REDIRECTS = 20;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Headers that tell of a body, which go with it. */
const BODY_HEADERS = ["content-encoding", "content-language", "content-length", "content-location", "content-type"];

export function guardedFetch(native: Fetch): Fetch {
  return async (...[input, init]: Parameters<Fetch>) => {
    const request = new Request(input, init);
    checkUrl(new URL(request.url));
    if (request.redirect !== "follow") return native(request);
    return follow(native, request, init?.body);
  };
}

/** `body` is what the caller gave, when it can be sent a second time. */
async function follow(native: Fetch, first: Request, body: unknown): Promise<Response> {
  let request = first;
  for (let hops = 0; ; hops += 1) {
    const response = await native(new Request(request, { redirect: "manual" }));
    const location = REDIRECTS.has(response.status) ? response.headers.get("location") : null;
    if (location === null) return hops === 0 ? response : markRedirected(response);
    if (hops === MAX_REDIRECTS) throw new TypeError("Too many redirects.");
    const url = new URL(location, request.url);
    if (url.protocol !== "http:" && url.protocol !== "https:")
      throw new TypeError(`A redirect leads to ${url.protocol}`);
    checkUrl(url);
    // What is not read would keep the connection.
    await response.body?.cancel();
    request = nextRequest(request, response.status, url, body);
  }
}

function nextRequest(request: Request, status: number, url: URL, body: unknown): Request {
  const headers = new Headers(request.headers);
  if (new URL(request.url).origin !== url.origin) headers.delete("authorization");
  const { signal, method } = request;
  if (becomesGet(status, method)) {
    for (const name of BODY_HEADERS) headers.delete(name);
    return new Request(url, { method: "GET", headers, signal });
  }
  if (request.body === null) return new Request(url, { method, headers, signal });
  if (body === undefined || body === null || body instanceof ReadableStream) {
    throw new TypeError("A redirect asks for the body again, and a stream can be read only once.");
  }
  return new Request(url, { method, headers, signal, body: body as BodyInit });
}

function becomesGet(status: number, method: string): boolean {
  if (status === 303) return method !== "HEAD" && method !== "GET";
  return (status === 301 || status === 302) && method === "POST";
}

/** As workerd's own says it. */
function markRedirected(response: Response): Response {
  return Object.defineProperty(response, "redirected", { value: true });
}
