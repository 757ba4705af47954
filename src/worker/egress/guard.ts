// The egress guard of a deployed worker: evaluated before any of the author's modules, in bundles built with `--guard-egress`.
//
// It holds for code that uses the platform as usual. It runs in the same isolate as that code, so a hostile author can get round
// it; an embedded worker's node guards from outside (docs/egress.md).
import { currentCall } from "../async-context.ts";
import { checkUrl } from "./check.ts";
import { EgressDeniedError } from "./error.ts";
import { markInstalled } from "./guard-state.ts";
import { guardedFetch } from "./guarded-fetch.ts";

const guarded = guardedFetch(globalThis.fetch.bind(globalThis));

fix("fetch", guarded);
// The platform's own follows redirects unasked.
if (typeof navigator === "object") fix("sendBeacon", sendBeacon, Object.getPrototypeOf(navigator));
fix(
  "WebSocket",
  new Proxy(globalThis.WebSocket, {
    construct(target, [url, ...rest], self) {
      checkUrl(new URL(url));
      return Reflect.construct(target, [url, ...rest], self);
    },
  }),
);
const source: unknown = Reflect.get(globalThis, "EventSource");
if (typeof source === "function") {
  fix(
    "EventSource",
    new Proxy(source, {
      construct(_target, [url]) {
        const { host } = new URL(url);
        const why = "EventSource follows redirects unasked; use EventSource.from((await fetch(url)).body)";
        throw new EgressDeniedError(host, "guard", `egress to ${host} is denied: ${why}`);
      },
    }),
  );
}
markInstalled();

/** What becomes of it nobody learns but the session's log. */
function sendBeacon(url: string, body?: BodyInit): boolean {
  checkUrl(new URL(url));
  const sent = guarded(url, { method: "POST", ...(body === undefined ? {} : { body }) });
  currentCall()?.waitUntil(
    sent.then(
      (response) => response.body?.cancel(),
      () => undefined,
    ),
  );
  return true;
}

/** Not to be replaced by accident, say by a library that wraps what it finds. */
function fix(name: string, value: unknown, owner: object = globalThis): void {
  Object.defineProperty(owner, name, { value, writable: false, configurable: false, enumerable: true });
}
