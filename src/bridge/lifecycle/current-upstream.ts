// An upstream source whose session can change: what proxied calls of one socket use.
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import type { Upstream, UpstreamSource } from "../upstream.ts";

export interface CurrentUpstream extends UpstreamSource {
  /** Calls go there from now on; undefined: they are refused again. */
  set(source: UpstreamSource | undefined): void;
}

/** Until a source is set, calls fail FAILED_PRECONDITION with `refusal`. */
export function createCurrentUpstream(refusal: string): CurrentUpstream {
  let current: UpstreamSource | undefined;
  // Which source an upstream came from: a call may fail after the session has changed.
  const origins = new WeakMap<Upstream, UpstreamSource>();
  return {
    set(source) {
      current = source;
    },
    upstream() {
      const source = current;
      if (source === undefined) throw new BridgeError(GrpcCode.failedPrecondition, refusal);
      const remember = (upstream: Upstream): Upstream => {
        origins.set(upstream, source);
        return upstream;
      };
      const upstream = source.upstream();
      return upstream instanceof Promise ? upstream.then(remember) : remember(upstream);
    },
    connectFailed(upstream) {
      origins.get(upstream)?.connectFailed(upstream);
    },
  };
}
