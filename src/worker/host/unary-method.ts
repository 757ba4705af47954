// One method of a host client: plain request to message, call, message to plain answer.
import type { CallOptions } from "@connectrpc/connect";
import type { HostServiceKey } from "../../wire/host-services.ts";
import { hostServiceError } from "./errors.ts";
import type { HostCallOptions, HostLink } from "./link.ts";

export type HostMethod<Request, Answer> = (request: Request, options?: HostCallOptions) => Promise<Answer>;

/**
 * Makes the methods of a service. What `encode` and `decode` throw becomes a `HostServiceError` too. `encode` gets the
 * invocation token beside the request: the request's own, else that of the call being served.
 */
export function unaryMethods(key: HostServiceKey, link: HostLink) {
  return <Request extends object, Init, Reply, Answer>(
    rpc: (message: Init, options?: CallOptions) => Promise<Reply>,
    encode: (request: Request, invocationToken: string) => Init,
    decode: (reply: Reply) => Answer,
  ): HostMethod<Request, Answer> =>
    async (request, options) => {
      try {
        const token = (request as { invocationToken?: string | undefined }).invocationToken ?? link.invocationToken;
        return decode(await rpc(encode(request, token), link.options(options)));
      } catch (thrown) {
        throw hostServiceError(key, thrown);
      }
    };
}
