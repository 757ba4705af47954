// A host call with everything that can be seen of it, for the tests in this folder.
import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { join, type Pieces } from "../../src/bridge/grpc/frames.ts";
import type { HeaderList } from "../../src/bridge/grpc/metadata.ts";
import { pathOf } from "../../src/bridge/grpc/router.ts";
import type { CallStatus } from "../../src/bridge/grpc/status.ts";
import type { HostCall, HostCallOptions } from "../../src/bridge/host/call.ts";
import type { HostClient } from "../../src/bridge/host/client.ts";
import type { HostService } from "../../src/bridge/host/host-service.ts";

export interface Recorded<I extends DescMessage, O extends DescMessage> {
  readonly call: HostCall;
  readonly messages: readonly MessageShape<O>[];
  readonly headers: HeaderList | undefined;
  readonly ended: Promise<CallStatus>;
  /** How often the end was told: never more than once. */
  readonly ends: number;
  send(message: MessageInitShape<I>): boolean;
  /** Resolves when so many messages are here, or the call is over. */
  received(count: number): Promise<void>;
}

export function begin<I extends DescMessage, O extends DescMessage>(
  client: HostClient,
  service: HostService,
  method: DescMethod & { readonly input: I; readonly output: O },
  options?: HostCallOptions,
): Recorded<I, O> {
  const messages: MessageShape<O>[] = [];
  const watchers = new Set<() => void>();
  const state: { headers?: HeaderList; ends: number } = { ends: 0 };
  const { promise: ended, resolve } = Promise.withResolvers<CallStatus>();
  const wake = () => {
    for (const watcher of watchers) watcher();
  };
  const call = client.call(
    service,
    pathOf(method),
    {
      headers: (metadata) => {
        state.headers = metadata;
      },
      message: (payload: Pieces) => {
        messages.push(fromBinary(method.output, join(payload)));
        wake();
      },
      ended: (status) => {
        state.ends += 1;
        resolve(status);
        wake();
      },
    },
    options,
  );
  return {
    call,
    messages,
    ended,
    get headers() {
      return state.headers;
    },
    get ends() {
      return state.ends;
    },
    send: (message) => call.send([Buffer.from(toBinary(method.input, create(method.input, message)))]),
    received: (count) =>
      new Promise((enough) => {
        const look = () => {
          if (messages.length >= count || state.ends > 0) enough();
        };
        watchers.add(look);
        look();
      }),
  };
}
