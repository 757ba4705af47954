// The calls of one host service, as every host client makes them: Connect's own client, whose failures are our typed errors.
import type { DescService } from "@bufbuild/protobuf";
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import type { HostServiceKey } from "../../wire/host-services.ts";
import { type HostErrors, hostServiceError } from "./errors.ts";
import type { HostLink } from "./link.ts";

/**
 * Pass `link.options(given)` with each call. Everything a call rejects with is a `HostServiceError`; `errors` are the
 * service's own, by code.
 */
export function hostCalls<S extends DescService>(
  service: S,
  key: HostServiceKey,
  { transport }: HostLink,
  errors?: HostErrors,
): Client<S> {
  return createClient(
    service,
    translating(transport, (thrown) => hostServiceError(key, thrown, errors)),
  );
}

type ErrorOf = (thrown: unknown) => Error;

function translating(transport: Transport, errorOf: ErrorOf): Transport {
  return {
    async unary(...call) {
      try {
        return await transport.unary(...call);
      } catch (thrown) {
        throw errorOf(thrown);
      }
    },
    async stream(...call) {
      try {
        const answer = await transport.stream(...call);
        return { ...answer, message: translatingMessages(answer.message, errorOf) };
      } catch (thrown) {
        throw errorOf(thrown);
      }
    },
  };
}

async function* translatingMessages<T>(messages: AsyncIterable<T>, errorOf: ErrorOf): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (thrown) {
    throw errorOf(thrown);
  }
}
