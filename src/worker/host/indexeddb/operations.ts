// The operations on stores and indexes, which exist twice in the protocol: as unary calls, and inside a transaction.
import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import type { IndexedDB as Service } from "../../../gen/gestalt/provider/v1/indexeddb_pb.ts";
import type { HostCallOptions, HostLink } from "../link.ts";

type Methods = (typeof Service)["method"];

export type Operation = Exclude<
  keyof Methods,
  "createObjectStore" | "deleteObjectStore" | "openCursor" | "transaction"
>;
export type OperationRequest<O extends Operation> = MessageInitShape<Methods[O]["input"]>;
export type OperationAnswer<O extends Operation> = MessageShape<Methods[O]["output"]>;

/** Performs them, by one of the two ways. */
export interface Operations {
  perform<O extends Operation>(
    operation: O,
    request: OperationRequest<O>,
    options: HostCallOptions | undefined,
  ): Promise<OperationAnswer<O>>;
}

export function unaryOperations(link: HostLink, calls: Client<typeof Service>): Operations {
  return {
    perform(operation, request, options) {
      const call = calls[operation] as unknown as UnaryCall<typeof operation>;
      return call(request, link.options(options));
    },
  };
}

type UnaryCall<O extends Operation> = (
  request: OperationRequest<O>,
  options: ReturnType<HostLink["options"]>,
) => Promise<OperationAnswer<O>>;
