// A stream both ways of a client, in turns: a message out, an answer in.
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { CallFailed } from "./call-log.ts";

export class CallStream<I extends DescMessage, O extends DescMessage> {
  readonly #call: grpc.ClientDuplexStream<MessageInitShape<I>, MessageShape<O>>;
  readonly #ended = Promise.withResolvers<CallFailed | undefined>();
  readonly #answers: MessageShape<O>[] = [];
  #wake: () => void = () => {};
  #over: { readonly failure: CallFailed | undefined } | undefined;

  constructor(
    call: grpc.ClientDuplexStream<MessageInitShape<I>, MessageShape<O>>,
    ended: (failure?: CallFailed) => void,
  ) {
    this.#call = call;
    call.on("data", (answer: MessageShape<O>) => {
      this.#answers.push(answer);
      this.#wake();
    });
    call.on("error", () => undefined);
    call.on("status", ({ code, details }: grpc.StatusObject) => {
      const failure = code === grpc.status.OK ? undefined : new CallFailed(code, details);
      this.#over = { failure };
      this.#ended.resolve(failure);
      ended(failure);
      this.#wake();
    });
  }

  /** @throws CallFailed when the stream has ended, or ends instead of an answer. */
  async ask(message: MessageInitShape<I>): Promise<MessageShape<O>> {
    this.#call.write(message);
    for (;;) {
      const answer = this.#answers.shift();
      if (answer !== undefined) return answer;
      if (this.#over !== undefined) throw this.#over.failure ?? new CallFailed(grpc.status.UNKNOWN, "ended unasked");
      await new Promise<void>((wake) => (this.#wake = wake));
    }
  }

  /** Ends this side, and waits for the other. @throws CallFailed */
  async end(): Promise<void> {
    this.#call.end();
    const failure = await this.#ended.promise;
    if (failure !== undefined) throw failure;
  }

  /** As a caller that goes away. */
  async cancel(): Promise<void> {
    this.#call.cancel();
    await this.#ended.promise;
  }
}
