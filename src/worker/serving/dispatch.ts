// An authenticated request finds its method: a Connect method of the session's provider, a raw route, or nothing.
import { Code, ConnectError } from "@connectrpc/connect";
import { WorkerService } from "../../gen/gestalt/edge/v1/edge_pb.ts";
import { runInCall } from "../async-context.ts";
import type { Bindings } from "../call.ts";
import { assertEnforced } from "../egress/enforcement.ts";
import { unauthenticated } from "../sessions/refusals.ts";
import type { Session } from "../sessions/session.ts";
import { callLogEnabled, logCall } from "./call-log.ts";
import { errorResponse, toConnectError } from "./errors.ts";
import { serveGeneric } from "./generic.ts";
import { type ServedProvider, unimplemented } from "./method-table.ts";
import { serveUnary } from "./unary.ts";
import { isBinaryUnary } from "./unary-request.ts";
import { type WaitUntil, WorkerCall } from "./worker-call.ts";

/** Services of the protocol: asking one of a provider that lacks it is UNIMPLEMENTED, any other path is not found. */
const PROTOCOL_PATH = /^\/gestalt\.(provider|edge)\.v\d+\.\w+\/\w+$/;

export interface Arrival {
  readonly request: Request;
  readonly path: string;
  readonly bindings: Bindings;
  readonly context: WaitUntil;
  readonly session: Session;
}

export async function dispatch(providers: ReadonlyMap<string, ServedProvider>, arrival: Arrival): Promise<Response> {
  const { session, path, bindings } = arrival;
  const served = providers.get(session.provider) ?? anyFor(path, providers);
  if (served === undefined) return errorResponse(unauthenticated("provider"));
  let call: WorkerCall;
  try {
    assertEnforced(session, bindings);
    call = new WorkerCall(arrival.request, bindings, arrival.context, session);
  } catch (error) {
    return errorResponse(ConnectError.from(error, Code.InvalidArgument));
  }
  const serve = () => runInCall(call, () => serveCall(served, arrival, call));
  if (!callLogEnabled(bindings)) return serve();
  const started = Date.now();
  const response = await serve();
  logCall(served.methods.get(path)?.label ?? path, session, response.status, started, call.notes);
  return response;
}

async function serveCall(served: ServedProvider, { request, path }: Arrival, call: WorkerCall): Promise<Response> {
  const method = served.methods.get(path);
  if (method !== undefined) {
    return isBinaryUnary(method, request) ? serveUnary(method, request, call) : serveGeneric(method, request, call);
  }
  const route = served.provider.routes?.[path];
  if (route !== undefined && Object.hasOwn(served.provider.routes ?? {}, path)) {
    return serveRoute(served, route, request, call);
  }
  if (PROTOCOL_PATH.test(path)) return errorResponse(unimplemented(served, path));
  // Connect reads 404 as "unimplemented" (Connect protocol, "HTTP to Error Code"); the body has to say the same.
  return errorResponse(new ConnectError("There is nothing at this path.", Code.Unimplemented), 404);
}

/** Whoever holds a key of this worker may ask it what it serves: before the answer, no tool knows a provider's name. */
function anyFor(path: string, providers: ReadonlyMap<string, ServedProvider>): ServedProvider | undefined {
  return path === DESCRIBE_PATH ? providers.values().next().value : undefined;
}

const DESCRIBE_PATH = `/${WorkerService.typeName}/${WorkerService.method.describe.name}`;

type Route = (request: Request, call: WorkerCall) => Promise<Response>;

async function serveRoute(served: ServedProvider, route: Route, request: Request, call: WorkerCall): Promise<Response> {
  const answer = async () => {
    await served.provider.lifecycle.configure(call.session, call);
    return route(request, call);
  };
  try {
    // Until the answer begins. Its body does not pass through here, and ends with its caller.
    return await call.beforeDeadline(answer());
  } catch (error) {
    return errorResponse(toConnectError(error, call, `${served.name} route`));
  }
}
