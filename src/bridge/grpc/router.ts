// Finds the handler of a method.
import type { DescMethod } from "@bufbuild/protobuf";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import type { ServerCall } from "./call.ts";

/** Serves calls of one method. Must end each call once; may throw, which ends it with that error. */
export type CallHandler = (call: ServerCall) => void;

export interface Route {
  readonly method: DescMethod;
  readonly handle: CallHandler;
}

export interface Router {
  /** Whether there is a handler of this full path. */
  has(path: string): boolean;
  /** The handler by full path. Throws UNIMPLEMENTED, saying what is unknown: the service, or its method. */
  find(path: string): CallHandler;
}

/** Full path of a method, `/gestalt.provider.v1.Cache/Get`. */
export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** Of two routes for one method the first counts, so local methods go before a proxy of the whole service. */
export function createRouter(routes: readonly Route[]): Router {
  const handlers = new Map<string, CallHandler>();
  const services = new Set<string>();
  for (const { method, handle } of routes) {
    const path = pathOf(method);
    if (!handlers.has(path)) handlers.set(path, handle);
    services.add(method.parent.typeName);
  }
  return {
    has: (path) => handlers.has(path),
    find(path) {
      const handler = handlers.get(path);
      if (handler !== undefined) return handler;
      throw unknownMethod(path, services);
    },
  };
}

function unknownMethod(path: string, services: ReadonlySet<string>): BridgeError {
  const [, service, method] = /^\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  if (service === undefined || method === undefined) {
    return new BridgeError(GrpcCode.unimplemented, `malformed method name ${JSON.stringify(path)}`);
  }
  if (!services.has(service)) return new BridgeError(GrpcCode.unimplemented, `unknown service ${service}`);
  return new BridgeError(GrpcCode.unimplemented, `unknown method ${method} of service ${service}`);
}
