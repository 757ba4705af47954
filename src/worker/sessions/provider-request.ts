// The request object that handlers of every kind get.
import type { Call, ProviderRequest } from "../call.ts";
import { configOf } from "./session-config.ts";

/** For a call of a session whose hooks have run: surfaces are called after that. */
export function providerRequest<Config>(call: Call): ProviderRequest<Config> {
  return requestWith(call, configOf(call.session) as Config);
}

/** For the hooks themselves, which run before the session is ready. */
export function requestWith<Config>(call: Call, config: Config): ProviderRequest<Config> {
  return {
    name: call.session.name,
    config,
    env: call.session.env,
    bindings: call.bindings,
    // A getter, because a signal costs more than many a handler.
    get signal() {
      return call.signal;
    },
    deadline: call.deadline,
    log: call.log,
    waitUntil: (promise) => call.waitUntil(promise),
  };
}
