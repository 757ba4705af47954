// `serve({ search, cache })`: the Worker's default export. Routes, authentication, and nothing else.
import { Code, ConnectError } from "@connectrpc/connect";
import type { ExecutionContext } from "hono";
import { Hono } from "hono/tiny";
import { CHANNEL_PATH, HEALTH_PATH, PUBLIC_OBJECTS_PREFIX } from "../wire/routes.ts";
import type { Bindings } from "./call.ts";
import { hosting, NO_CHANNEL } from "./host/hosting.ts";
import { createLog } from "./log.ts";
import { captureConsole } from "./logging/console.ts";
import type { Provider } from "./provider.ts";
import { dispatch } from "./serving/dispatch.ts";
import { errorResponse } from "./serving/errors.ts";
import { type ServedProvider, servedProvider } from "./serving/method-table.ts";
import type { WaitUntil } from "./serving/worker-call.ts";
import { Authenticator } from "./sessions/authenticator.ts";
import { unauthenticated } from "./sessions/refusals.ts";
import { lifecycleSurface } from "./surfaces/lifecycle.ts";
import { workerSurface } from "./surfaces/worker.ts";

/** What a Worker module exports as its default; assignable to Cloudflare's `ExportedHandler`. */
export interface EdgeWorker {
  fetch(request: Request, bindings: unknown, context: WaitUntil): Promise<Response>;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;

/**
 * Serves providers by name. A session token names the one it is for, so a name is part of the deployment: renaming a
 * provider here means changing the bridge's config.
 *
 * @example
 * export default serve({ search, cache });
 */
export function serve(providers: Readonly<Record<string, Provider>>): EdgeWorker {
  captureConsole();
  const served = serveAll(providers);
  const authenticator = new Authenticator();
  const app = new Hono<{ Bindings: Bindings & object }>();

  app.get(HEALTH_PATH, (c) => c.text("ok"));
  app.all(`${PUBLIC_OBJECTS_PREFIX}:provider/*`, (c, next) => {
    const name = c.req.param("provider");
    const { publicObjects } = served.get(name)?.provider ?? {};
    if (publicObjects === undefined) return next();
    const context = c.executionCtx;
    return publicObjects(c.req.raw, {
      provider: name,
      bindings: c.env,
      waitUntil: (promise) => context.waitUntil(promise),
    });
  });
  app.all(CHANNEL_PATH, async (c) => {
    const session = await authenticator.authenticate(c.req.raw.headers, c.env);
    if (!served.has(session.provider)) throw unauthenticated("provider");
    const host = hosting();
    if (host === undefined) return errorResponse(new ConnectError(NO_CHANNEL, Code.Unimplemented), 404);
    return host.connect(c.req.raw, c.env, session);
  });
  app.all("*", async (c) => {
    const session = await authenticator.authenticate(c.req.raw.headers, c.env);
    return dispatch(served, {
      request: c.req.raw,
      path: c.req.path,
      bindings: c.env,
      context: c.executionCtx,
      session,
    });
  });
  app.onError((error) => {
    if (error instanceof ConnectError) return errorResponse(error);
    createLog().error("a request failed outside of any call", { error });
    return errorResponse(new ConnectError("internal error", Code.Internal));
  });

  return {
    fetch: async (request, bindings, context) => app.fetch(request, bindings as Bindings, context as ExecutionContext),
  };
}

/** Refuses names that cannot stand in a path, before the worker has served anything. */
function serveAll(providers: Readonly<Record<string, Provider>>): ReadonlyMap<string, ServedProvider> {
  const served = new Map<string, ServedProvider>();
  const worker = workerSurface(served);
  for (const [name, provider] of Object.entries(providers)) {
    if (!NAME.test(name)) {
      throw new TypeError(`serve: "${name}" is no provider name; use letters, digits, "-" and "_".`);
    }
    served.set(name, servedProvider(name, provider, [lifecycleSurface(name, provider), worker]));
  }
  return served;
}
