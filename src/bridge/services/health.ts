// grpc.health.v1 for probes and load balancers. gestaltd asks ProviderLifecycle.HealthCheck instead.
import type { DescService } from "@bufbuild/protobuf";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/grpc/health/v1/health_pb.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import { localServerStream, localUnary } from "../grpc/local.ts";
import type { Route } from "../grpc/router.ts";

export interface HealthService {
  readonly routes: readonly Route[];
  /** Sets the state of one service, or of all of them and the server as a whole (`""`). */
  set(state: HealthState, service?: string): void;
  /** Says "not serving" to every watcher and ends its stream, so that none holds up the server's end. */
  close(): void;
}

export type HealthState = "serving" | "notServing";

const STATUS: Readonly<Record<HealthState, Status>> = { serving: Status.SERVING, notServing: Status.NOT_SERVING };

/** Serves health for the given services. All begin as serving. */
export function createHealth(services: readonly DescService[]): HealthService {
  const states = new Map<string, HealthState>(["", ...services.map((s) => s.typeName)].map((s) => [s, "serving"]));
  const watchers = new Set<() => void>();
  let closed = false;
  const wakeAll = () => {
    for (const wake of watchers) wake();
  };

  async function* watch(service: string, signal: AbortSignal) {
    let told: Status | undefined;
    while (!signal.aborted) {
      const state = states.get(service);
      const status = state === undefined ? Status.SERVICE_UNKNOWN : STATUS[state];
      if (status !== told) {
        told = status;
        yield { status };
        continue;
      }
      if (closed) throw new BridgeError(GrpcCode.unavailable, "the bridge is stopping");
      await changed(watchers, signal);
    }
  }

  return {
    routes: [
      localUnary(Health.method.check, ({ service }) => {
        const state = states.get(service);
        if (state === undefined) throw new BridgeError(GrpcCode.notFound, `unknown service ${service}`);
        return { status: STATUS[state] };
      }),
      localServerStream(Health.method.watch, ({ service }, { signal }) => watch(service, signal)),
    ],
    set(state, service) {
      for (const name of service === undefined ? states.keys() : [service]) states.set(name, state);
      wakeAll();
    },
    close() {
      closed = true;
      for (const name of states.keys()) states.set(name, "notServing");
      wakeAll();
    },
  };
}

/** Resolves at the next change, or when the watcher has gone. */
function changed(watchers: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      watchers.delete(wake);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    watchers.add(wake);
    signal.addEventListener("abort", wake, { once: true });
  });
}
