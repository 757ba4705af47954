// The request object that handlers of every kind get.
import type { Call, ProviderRequest } from "../call.ts";
import { requestHost } from "../host/request-host.ts";
import type { AnyHostUse, HostFor, HostUse, Uses } from "../host/uses.ts";
import { type RequestTrace, requestTrace } from "../telemetry/request-trace.ts";
import { configOf } from "./session-config.ts";

/** For a call of a session whose hooks have run: surfaces are called after that. `uses` is what its handler may use. */
export function providerRequest<Config, Use extends HostUse = AnyHostUse>(
  call: Call,
  uses?: Uses | undefined,
): ProviderRequest<Config, Use> {
  return requestWith(call, configOf(call.session) as Config, uses);
}

/** For the hooks themselves, which run before the session is ready. */
export function requestWith<Config, Use extends HostUse = AnyHostUse>(
  call: Call,
  config: Config,
  uses?: Uses | undefined,
): ProviderRequest<Config, Use> {
  let host: HostFor<Use> | undefined;
  let trace: RequestTrace | undefined;
  return {
    name: call.session.name,
    config,
    env: call.session.env,
    bindings: call.bindings,
    // Getters, because a signal and the host services cost more than many a handler.
    get signal() {
      return call.signal;
    },
    get host() {
      host ??= requestHost({}, call, uses) as HostFor<Use>;
      return host;
    },
    get trace() {
      trace ??= requestTrace(call);
      return trace;
    },
    deadline: call.deadline,
    log: call.log,
    waitUntil: (promise) => call.waitUntil(toldWhenItFails(promise, call)),
  };
}

/** Nobody else hears of it: the answer has gone out, and workerd prints nothing. */
async function toldWhenItFails(promise: Promise<unknown>, call: Call): Promise<void> {
  try {
    await promise;
  } catch (error) {
    call.log.error("work that waitUntil was given failed", { error });
  }
}
