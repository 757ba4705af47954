// Inside a guarded service of an embedded node: makes a typed error of the answer by which the gate denies a `fetch`. It guards
// nothing; the gate does, outside of workerd.
import { DENIED_HEADER, DENIED_STATUS } from "../../wire/egress/denial.ts";
import { EgressDeniedError } from "./error.ts";

let installed = false;

/** To be called when the service is known to be guarded: elsewhere any host could send that header. */
export function throwDenials(): void {
  if (installed) return;
  installed = true;
  const { fetch } = globalThis;
  globalThis.fetch = async (...[input, init]: Parameters<typeof fetch>) => {
    const response = await fetch(input, init);
    const rule = response.status === DENIED_STATUS ? response.headers.get(DENIED_HEADER) : null;
    if (rule === null) return response;
    // After a redirect it is the host of the last hop.
    const { host } = new URL(response.url || new Request(input).url);
    throw new EgressDeniedError(host, rule, await response.text());
  };
}
