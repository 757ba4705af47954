// Server reflection, v1 and v1alpha: what grpcurl and its like ask before they can call anything.
import type { DescService, MessageInitShape } from "@bufbuild/protobuf";
import {
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponseSchema,
} from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { localBidi } from "../grpc/local.ts";
import type { Route } from "../grpc/router.ts";
import { createDescriptorIndex, type DescriptorIndex } from "./descriptor-index.ts";

/** Routes of both versions. They describe the given services and themselves. */
export function createReflection(services: readonly DescService[]): Route[] {
  const index = createDescriptorIndex([...services, ServerReflection, ServerReflectionAlpha]);
  const { serverReflectionInfo } = ServerReflection.method;
  const { input, output } = serverReflectionInfo;
  // The two versions differ in their names only: on the wire one's messages are the other's.
  const alpha = { ...ServerReflectionAlpha.method.serverReflectionInfo, input, output };
  return [serverReflectionInfo, alpha].map((method) =>
    localBidi(method, async function* (requests) {
      for await (const request of requests) {
        yield {
          validHost: request.host,
          originalRequest: request,
          messageResponse: answer(index, request.messageRequest),
        };
      }
    }),
  );
}

type Question = ServerReflectionRequest["messageRequest"];
type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"]>;

function answer(index: DescriptorIndex, question: Question): Answer {
  switch (question.case) {
    case "listServices":
      return { case: "listServicesResponse", value: { service: index.services.map((name) => ({ name })) } };
    case "fileByFilename":
      return files(index.byFilename(question.value), `unknown file ${question.value}`);
    case "fileContainingSymbol":
      return files(index.bySymbol(question.value), `unknown symbol ${question.value}`);
    case "fileContainingExtension":
    case "allExtensionNumbersOfType":
      return refusal(GrpcCode.notFound, "there are no extensions");
    default:
      return refusal(GrpcCode.invalidArgument, "request names nothing to look up");
  }
}

function files(fileDescriptorProto: Uint8Array[] | undefined, otherwise: string): Answer {
  if (fileDescriptorProto === undefined) return refusal(GrpcCode.notFound, otherwise);
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

function refusal(errorCode: GrpcCode, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}
