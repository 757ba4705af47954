// A turn's events, page after page.
import { Code } from "@connectrpc/connect";
import { HostServiceError } from "../errors.ts";
import type { AgentTurnEvent } from "./objects.ts";
import type { ListAgentTurnEventsRequest } from "./requests.ts";

/** Ends with the first empty page: a full one may be the last, and only the provider knows its size. */
export async function* eventsFrom(
  request: ListAgentTurnEventsRequest,
  list: (page: ListAgentTurnEventsRequest) => Promise<readonly AgentTurnEvent[]>,
): AsyncGenerator<AgentTurnEvent, void, undefined> {
  let { afterSeq = 0 } = request;
  for (;;) {
    const events = await list({ ...request, afterSeq });
    if (events.length === 0) return;
    for (const event of events) {
      // A provider that does not honour afterSeq would be asked for the same page forever.
      if (event.seq <= afterSeq) throw outOfOrder(event, afterSeq);
      afterSeq = event.seq;
      yield event;
    }
  }
}

function outOfOrder({ turnId, seq }: AgentTurnEvent, after: number): HostServiceError {
  const message = `the agent provider of turn "${turnId}" answered with event ${seq} after event ${after}`;
  return new HostServiceError("agents", Code.Internal, message);
}
