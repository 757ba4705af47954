// The unary methods of the IndexedDB service in terms of a database's handlers. The two streams are in streams/.
import { type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { IndexedDB } from "../../gen/gestalt/provider/v1/indexeddb_pb.ts";
import type { Call, ProviderRequest } from "../call.ts";
import { DECODE_OPTIONS, decode } from "../serving/decode.ts";
import { providerRequest } from "../sessions/provider-request.ts";
import { type BinaryMethod, type Surface, surface } from "../surface.ts";
import type { IndexedDBHandlers } from "./define.ts";
import { translated } from "./errors.ts";
import { schemaFrom, storeName } from "./names.ts";
import { OPERATIONS, type OperationName, type Operations } from "./operations.ts";
import { encodeReply } from "./replies.ts";

export function indexedDBSurface<Config>(handlers: IndexedDBHandlers<Config>): Surface {
  const request = (call: Call): ProviderRequest<Config> => providerRequest<Config>(call);
  const names = Object.keys(OPERATIONS) as OperationName[];
  const binary = Object.fromEntries(
    names.map((name) => [name, operationMethod(name, (call) => operationsOf(handlers, request(call)))]),
  );
  return surface(
    IndexedDB,
    {
      ...Object.fromEntries(names.map((name) => [name, decoded(name, binary[name] as BinaryMethod)])),
      createObjectStore: ({ name, schema }, call) =>
        translated(async () => {
          const input = { store: storeName(name), schema: schemaFrom(schema) };
          await handlers.createObjectStore(input, request(call));
          return {};
        }),
      deleteObjectStore: ({ name }, call) =>
        translated(async () => {
          await handlers.deleteObjectStore({ store: storeName(name) }, request(call));
          return {};
        }),
    },
    { binary },
  );
}

/** The handlers with the request given to each. */
function operationsOf<Config>(handlers: IndexedDBHandlers<Config>, request: ProviderRequest<Config>): Operations {
  return {
    get: (input) => handlers.get(input, request),
    add: (input) => handlers.add(input, request),
    put: (input) => handlers.put(input, request),
    getAll: (input) => handlers.getAll(input, request),
    getAllKeys: (input) => handlers.getAllKeys(input, request),
    count: (input) => handlers.count(input, request),
    delete: (input) => handlers.delete(input, request),
  };
}

/** From the bytes of the request to those of the answer, so that records pass as they are. */
function operationMethod<O extends OperationName>(name: O, open: (call: Call) => Operations): BinaryMethod {
  const { input } = IndexedDB.method[name];
  const perform = OPERATIONS[name];
  return (bytes, call) =>
    translated(async () =>
      encodeReply(
        await perform(open(call), decode(input as DescMessage, bytes) as Parameters<typeof perform>[1], bytes),
      ),
    );
}

/** For requests that are not binary. */
function decoded(name: OperationName, method: BinaryMethod): (request: Message, call: Call) => Promise<Message> {
  const { input, output } = IndexedDB.method[name] as { readonly input: DescMessage; readonly output: DescMessage };
  return async (request, call) => fromBinary(output, await method(toBinary(input, request), call), DECODE_OPTIONS);
}
