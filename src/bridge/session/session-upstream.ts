// A session's calls: the target's address with the session's token, put together once per token.
import type { Endpoint, Target } from "../target/target.ts";
import type { Upstream, UpstreamSource } from "../upstream.ts";
import type { Session } from "./session.ts";
import { createTokenSigner, type TokenSigner } from "./token-signer.ts";

/** Calls of `session` to `target`. `now` gives milliseconds since the epoch. */
export function sessionUpstream(session: Session, target: Target, now: () => number = Date.now): UpstreamSource {
  // What the last call used; reused as long as neither address nor token has changed.
  let signer: { readonly endpoint: Endpoint; readonly tokens: TokenSigner } | undefined;
  let last: { readonly endpoint: Endpoint; readonly token: string; readonly upstream: Upstream } | undefined;

  const tokensFor = (endpoint: Endpoint): TokenSigner => {
    if (signer?.endpoint !== endpoint) {
      const tokens = createTokenSigner({ session, audience: endpoint.audience, key: endpoint.key, now });
      signer = { endpoint, tokens };
    }
    return signer.tokens;
  };
  const combine = (endpoint: Endpoint, token: string): Upstream => {
    if (last?.endpoint !== endpoint || last.token !== token) {
      last = { endpoint, token, upstream: toUpstream(endpoint, token) };
    }
    return last.upstream;
  };
  const at = (endpoint: Endpoint): Upstream | Promise<Upstream> => {
    const tokens = tokensFor(endpoint);
    const token = tokens.current();
    return token === undefined ? tokens.sign().then((fresh) => combine(endpoint, fresh)) : combine(endpoint, token);
  };

  return {
    upstream() {
      const endpoint = target.endpoint();
      return endpoint instanceof Promise ? endpoint.then(at) : at(endpoint);
    },
    connectFailed(upstream) {
      if (last?.upstream === upstream) target.connectFailed(last.endpoint);
    },
  };
}

function toUpstream(endpoint: Endpoint, token: string): Upstream {
  const { origin, basePath, dispatcher } = endpoint;
  return { origin, basePath, dispatcher, headers: { ...endpoint.headers, authorization: `Bearer ${token}` } };
}
