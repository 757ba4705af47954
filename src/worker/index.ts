// The public API of `gestalt-edge` for code that runs in a Worker.

export { type BackoffLimits, type BackoffSources, type Caller, withBackoff } from "./cache/backoff.ts";
export {
  type CacheEntry,
  type CacheHandlers,
  type CacheKey,
  type CacheProviderOptions,
  type CacheTtl,
  defineCacheProvider,
} from "./cache/define.ts";
export { inParallel } from "./cache/in-parallel.ts";
export { ReplyBudget } from "./cache/sizes.ts";
export type { Bindings, ProviderRequest } from "./call.ts";
export { createLog, type Log, type LogFields } from "./log.ts";
export { type ConnectionParam, definePlugin, type PluginOptions } from "./plugin/define-plugin.ts";
export { HTTPSubjectError, type HTTPSubjectRequest, type ResolvedSubject } from "./plugin/http-subject.ts";
export {
  type InputSchema,
  type Operation,
  type OperationAnnotations,
  type OperationOptions,
  operation,
  type ParameterFacts,
} from "./plugin/operation.ts";
export {
  type Access,
  type Credential,
  connectionParam,
  type ExternalIdentity,
  type Host,
  type PluginRequest,
  type Subject,
} from "./plugin/plugin-request.ts";
export type { ConnectedToken, ConnectionMetadata, PostConnect } from "./plugin/post-connect.ts";
export { request } from "./plugin/request-factory.ts";
export { OperationError, type OperationResponse, ok, response } from "./plugin/response.ts";
export type { ConfigSchema, HealthReport, Provider, ProviderKind, ProviderOptions, PublicContext } from "./provider.ts";
export { failedCondition, parseEtags } from "./s3/conditions.ts";
export { defineS3Provider, type S3Handlers, type S3ProviderOptions, type S3UploadHandlers } from "./s3/define.ts";
export { S3InvalidRangeError, S3NotFoundError, S3PreconditionFailedError } from "./s3/errors.ts";
export type {
  S3Body,
  S3Conditions,
  S3ContentHeaders,
  S3CopyInput,
  S3EtagConditions,
  S3ListInput,
  S3ListResult,
  S3Meta,
  S3PresignInput,
  S3PresignMethod,
  S3PresignResult,
  S3Range,
  S3ReadInput,
  S3ReadResult,
  S3Ref,
  S3UploadedPart,
  S3UploadPart,
  S3WriteInput,
  S3WriteOpen,
} from "./s3/objects.ts";
export { type ResolvedRange, resolveRange } from "./s3/ranges.ts";
export { dataFrames } from "./s3/read-stream.ts";
export { signingSecret } from "./s3/signing-secret.ts";
export { type EdgeWorker, serve } from "./serve.ts";
