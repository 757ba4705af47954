// Says, before gestaltd does, that a worker's providers use what they would not reach.
import type { DescribeResponse } from "../gen/gestalt/edge/v1/edge_pb.ts";
import { CHANNEL_REMEDY } from "../wire/host-remedies.ts";

/**
 * Undefined when there is nothing to say. The bridge refuses to start a provider that requires a service and has no channel to it, and
 * starts one that can do without; who declares nothing in `uses` is asked for nothing.
 */
export function channelWarning({
  hostChannel,
  providers,
}: Pick<DescribeResponse, "hostChannel" | "providers">): string | undefined {
  const using = hostChannel ? [] : providers.filter(({ uses }) => uses.length > 0);
  if (using.length === 0) return undefined;
  const list = using.map(({ name, uses }) => `"${name}" uses ${uses.map(useText).join(", ")}`).join("; ");
  const needed = using.some(({ uses }) => uses.some(({ optional }) => !optional));
  const outcome = needed ? "gestaltd would not get it started" : "it would have to do without";
  return `${list}; ${outcome}, because this worker has no host channel to gestaltd: ${CHANNEL_REMEDY}`;
}

function useText({ name, optional }: { readonly name: string; readonly optional: boolean }): string {
  return optional ? `${name} (optional)` : name;
}
