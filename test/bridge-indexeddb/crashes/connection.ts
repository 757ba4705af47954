// One client's HTTP/2 connection, on which each call has a deadline.
import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { grpcMethod } from "../../support/grpc-clients.ts";
import { type Budget, CallFailed, type CallLog } from "./call-log.ts";
import { CallStream } from "./call-stream.ts";

type Method<I extends DescMessage, O extends DescMessage> = DescMethod & { readonly input: I; readonly output: O };

/** A bridge that does not keep a deadline is given this much more, in milliseconds, to show by how much. */
const OVERTIME_MS = 10_000;

const OPTIONS: grpc.ClientOptions = {
  // A connection of its own for each client.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.enable_retries": 0,
  "grpc.initial_reconnect_backoff_ms": 50,
  "grpc.max_reconnect_backoff_ms": 500,
};

export class Connection {
  readonly #client: grpc.Client;
  readonly #log: CallLog;

  constructor(target: string, log: CallLog) {
    this.#client = new grpc.Client(target, grpc.credentials.createInsecure(), OPTIONS);
    this.#log = log;
  }

  /** @throws CallFailed */
  async unary<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
    budget: Budget,
  ): Promise<MessageShape<O>> {
    await this.#ready(method, budget);
    const ended = this.#log.begin(method, budget);
    return new Promise((resolve, reject) => {
      const { metadata, options } = timing(budget);
      const call = this.#client.makeUnaryRequest(...grpcMethod(method), request, metadata, options, (error, reply) => {
        clearTimeout(overtime);
        const failure = error === null ? undefined : new CallFailed(error.code, error.details);
        ended(failure);
        if (reply === undefined) reject(failure);
        else resolve(reply);
      });
      const overtime = setTimeout(() => call.cancel(), budget.ms + OVERTIME_MS);
    });
  }

  /** @throws CallFailed */
  async stream<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    budget: Budget,
  ): Promise<CallStream<I, O>> {
    await this.#ready(method, budget);
    const { metadata, options } = timing(budget);
    const call = this.#client.makeBidiStreamRequest(...grpcMethod(method), metadata, options);
    const overtime = setTimeout(() => call.cancel(), budget.ms + OVERTIME_MS);
    const ended = this.#log.begin(method, budget);
    return new CallStream(call, (failure) => {
      clearTimeout(overtime);
      ended(failure);
    });
  }

  close(): void {
    this.#client.close();
  }

  /** The time that the bridge is to keep begins with the call; waiting for the bridge is not part of it. */
  async #ready(method: DescMethod, { ms, keptBy }: Budget): Promise<void> {
    if (keptBy === "client") return;
    const error = await new Promise<Error | undefined>((resolve) => {
      this.#client.waitForReady(Date.now() + ms, resolve);
    });
    if (error === undefined) return;
    const failure = new CallFailed(grpc.status.UNAVAILABLE, "no connection in time");
    this.#log.failed(method.name, failure);
    throw failure;
  }
}

function timing({ ms, keptBy }: Budget): { readonly metadata: grpc.Metadata; readonly options: grpc.CallOptions } {
  const metadata = new grpc.Metadata();
  if (keptBy === "client") return { metadata, options: { deadline: Date.now() + ms } };
  metadata.set("grpc-timeout", `${ms}m`);
  return { metadata, options: {} };
}
