// The bridge's gRPC client towards gestaltd: calls of host services, over connections made on demand and shared by address.
import { GrpcCode } from "../../wire/codes.ts";
import { type CallStatus, statusOfError } from "../grpc/status.ts";
import { addressKey, describeAddress, type HostAddress } from "./address.ts";
import { EXPIRED, HostCall, type HostCallOptions, type HostCallSink } from "./call.ts";
import { checkMethod, type HostService } from "./host-service.ts";
import { CONNECT_TIMEOUT_MS, IDLE_MS, PING_AFTER_MS, PING_TIMEOUT_MS } from "./limits.ts";
import { HostPool } from "./pool.ts";
import type { SessionState, SessionTimes } from "./session.ts";

export interface HostClient {
  /**
   * Begins a call. It may be sent on at once; what cannot be reached, is not allowed, or is late already ends it through the
   * sink, never by a throw, and never before this has returned.
   */
  call(service: HostService, path: string, sink: HostCallSink, options?: HostCallOptions): HostCall;
  /** How it stands with an address. `closed` also before the first call and after a rest. */
  state(address: HostAddress): SessionState;
  /** Ends calls with UNAVAILABLE, refuses further ones, and resolves when no socket is left. */
  close(): Promise<void>;
}

export interface HostClientOptions {
  /** Times other than those of limits.ts; for tests. */
  readonly times?: Partial<SessionTimes>;
  /** Told of connections that could not be made, for the operator's log: `address` names no secret. */
  readonly unreachable?: (address: string, reason: string) => void;
}

export function createHostClient(options: HostClientOptions = {}): HostClient {
  const times = { ...TIMES, ...options.times };
  const pools = new Map<string, HostPool>();
  let stopped = false;

  function poolOf(address: HostAddress): HostPool {
    const key = addressKey(address);
    const known = pools.get(key);
    if (known !== undefined) return known;
    const where = describeAddress(address);
    const pool = new HostPool(address, times, ({ message }) => options.unreachable?.(where, message));
    pools.set(key, pool);
    return pool;
  }
  return {
    call(service, path, sink, callOptions = {}) {
      const call = new HostCall(service, path, sink, callOptions);
      const refusal = stopped ? STOPPED : refusalOf(call);
      if (refusal === undefined) {
        call.startTimer();
        poolOf(service.address).start(call);
      } else queueMicrotask(() => call.end(refusal));
      return call;
    },
    state: (address) => pools.get(addressKey(address))?.state ?? "closed",
    async close() {
      stopped = true;
      await Promise.all([...pools.values()].map((pool) => pool.close(STOPPED)));
    },
  };
}

const TIMES: SessionTimes = {
  connectTimeoutMs: CONNECT_TIMEOUT_MS,
  idleMs: IDLE_MS,
  pingAfterMs: PING_AFTER_MS,
  pingTimeoutMs: PING_TIMEOUT_MS,
};

const STOPPED: CallStatus = { code: GrpcCode.unavailable, message: "the bridge is stopping" };

function refusalOf({ service, path, deadline }: HostCall): CallStatus | undefined {
  try {
    checkMethod(service, path);
  } catch (error) {
    return statusOfError(error);
  }
  return deadline !== undefined && deadline <= Date.now() ? EXPIRED : undefined;
}
