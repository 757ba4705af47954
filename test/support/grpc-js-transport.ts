// A Connect transport over @grpc/grpc-js, so that one suite of tests can be run by either client library.
import { create, type DescMessage, type DescMethod, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { type Code, ConnectError, type Transport } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";

export interface GrpcJsTransport extends Transport {
  close(): void;
}

/** `target` is what grpc-js takes: `unix:/run/x.sock`. */
export function createGrpcJsTransport(target: string): GrpcJsTransport {
  const client = new grpc.Client(target, grpc.credentials.createInsecure(), {
    "grpc.max_receive_message_length": -1,
  });
  return {
    async unary(method, signal, timeoutMs, _header, input) {
      const message = await new Promise<MessageShape<typeof method.output>>((resolve, reject) => {
        const call = client.makeUnaryRequest(
          pathOf(method),
          serialize(method.input),
          deserialize(method.output),
          create(method.input, input),
          options(timeoutMs),
          (error, reply) => (reply === undefined ? reject(toConnectError(error)) : resolve(reply)),
        );
        signal?.addEventListener("abort", () => call.cancel());
      });
      return { ...answerTo(method), stream: false, method, message };
    },
    async stream(method, signal, timeoutMs, _header, input) {
      const call = client.makeBidiStreamRequest(
        pathOf(method),
        serialize(method.input),
        deserialize(method.output),
        options(timeoutMs),
      );
      signal?.addEventListener("abort", () => call.cancel());
      const failed = new Promise<never>((_, reject) => call.on("error", (error) => reject(toConnectError(error))));
      failed.catch(() => undefined);
      const send = async () => {
        for await (const message of input) {
          const full = create(method.input, message);
          await Promise.race([failed, new Promise<void>((resolve) => call.write(full, () => resolve()))]);
        }
        call.end();
      };
      // What ends the sending early is in the status, which the reader of the replies gets.
      send().catch(() => undefined);
      const message = replies(call) as AsyncIterable<MessageShape<typeof method.output>>;
      return { ...answerTo(method), stream: true, method, message };
    },
    close: () => client.close(),
  };
}

async function* replies(call: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  try {
    yield* call;
  } catch (error) {
    throw toConnectError(error);
  }
}

const pathOf = (method: DescMethod) => `/${method.parent.typeName}/${method.name}`;

const answerTo = ({ parent }: DescMethod) => ({ service: parent, header: new Headers(), trailer: new Headers() });

const options = (timeoutMs: number | undefined): grpc.CallOptions =>
  timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };

const serialize = (schema: DescMessage) => (message: MessageShape<DescMessage>) =>
  Buffer.from(toBinary(schema, message));

/** A plain view of the bytes: bytes fields share its type, and a Buffer would not equal a Uint8Array. */
const deserialize =
  <T extends DescMessage>(schema: T) =>
  (bytes: Buffer) =>
    fromBinary(schema, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));

/** gRPC and Connect number their codes alike. */
function toConnectError(error: unknown): ConnectError {
  const { code, details } = error as { readonly code?: Code; readonly details?: string };
  return code === undefined ? ConnectError.from(error) : new ConnectError(details ?? "", code);
}
