// Serves whole services by passing their calls on to a worker.
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { S3 } from "../../gen/gestalt/provider/v1/s3_pb.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import { type CallHandler, pathOf, type Route } from "../grpc/router.ts";
import type { UpstreamSource } from "../upstream.ts";
import { bidiHandler } from "./bidi-stream.ts";
import { readObjectHandler } from "./read-object.ts";
import { serverStreamHandler } from "./server-stream.ts";
import { unaryHandler } from "./unary.ts";
import { writeObjectHandler } from "./write-object.ts";

/** Routes for every method of the services, for `createRouter`. What the bridge answers itself goes before them. */
export function createProxy(source: UpstreamSource, services: readonly DescService[]): Route[] {
  return services.flatMap((service) => service.methods.map((method) => proxyRoute(source, method)));
}

/** The route of one method. */
export function proxyRoute(source: UpstreamSource, method: DescMethod): Route {
  return { method, handle: handlerOf(source, method) };
}

function handlerOf(source: UpstreamSource, method: DescMethod): CallHandler {
  if (method === S3.method.readObject) return readObjectHandler(source);
  if (method === S3.method.writeObject) return writeObjectHandler(source);
  switch (method.methodKind) {
    case "unary":
      return unaryHandler(source, method);
    case "server_streaming":
      return serverStreamHandler(source, method);
    case "bidi_streaming":
      return bidiHandler(source, method);
    default:
      return unsupported(method);
  }
}

/** Client streams do not cross the edge as request bodies (DESIGN §6); each that matters gets a way of its own. */
function unsupported(method: DescMethod): CallHandler {
  const message = `${pathOf(method)} is a client-streaming method, which a worker cannot serve`;
  return () => {
    throw new BridgeError(GrpcCode.unimplemented, message);
  };
}
