// Takes the place of `cloudflare:sockets` in bundles built with `--guard-egress`.
import { connect as connectUnasked } from "cloudflare:sockets";
import { checkHost } from "./check.ts";
import { addressOf } from "./socket-address.ts";

/** As `connect` of `cloudflare:sockets`; throws an `EgressDeniedError` when the session may not reach the host. */
export const connect: typeof connectUnasked = (address, options) => {
  const { host, port } = addressOf(address);
  checkHost(host, port);
  return connectUnasked(address, options);
};
