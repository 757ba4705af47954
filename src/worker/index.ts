// The public API of `gestalt-edge` for code that runs in a Worker.

export { Code, ConnectError } from "@connectrpc/connect";
export { CREDENTIALS_KEY_BINDING } from "../wire/bindings.ts";
export {
  type AuthenticationHandlers,
  type AuthenticationProviderOptions,
  defineAuthenticationProvider,
} from "./authentication/define.ts";
export { type EmailAddress, parseEmail } from "./authentication/email.ts";
export {
  checkLoginSecret,
  type LoginStateContext,
  openLoginState,
  sealLoginState,
} from "./authentication/login-state.ts";
export type {
  AuthenticatedUser,
  ExternalToken,
  LoginRedirect,
  LoginReturn,
  LoginStart,
  SessionSettings,
} from "./authentication/objects.ts";
export {
  type AuthorizationHandlers,
  type AuthorizationProviderOptions,
  defineAuthorizationProvider,
} from "./authorization/define.ts";
export type {
  ActionPage,
  ActionSearchInput,
  AuthorizationDecision,
  AuthorizationEvaluation,
  AuthorizationPage,
  AuthorizationPaging,
  EntityFilter,
  ModelledPage,
  ModelPage,
  RelationshipPage,
  RelationshipReadInput,
  RelationshipWriteInput,
  ResourcePage,
  ResourceSearchInput,
  StoredModelRef,
  SubjectPage,
  SubjectSearchInput,
} from "./authorization/objects.ts";
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
export { EgressDeniedError } from "./egress/error.ts";
export {
  defineExternalCredentialProvider,
  type ExternalCredentialHandlers,
  type ExternalCredentialProviderOptions,
} from "./external-credentials/define.ts";
export {
  AmbiguousCredentialError,
  CredentialNotFoundError,
  ReconnectRequiredError,
} from "./external-credentials/errors.ts";
export type {
  CredentialAuth,
  CredentialConfigInput,
  CredentialConnection,
  CredentialExchangeDriver,
  CredentialExchangeInput,
  CredentialFilter,
  CredentialKey,
  CredentialKeyRotation,
  CredentialMode,
  CredentialResolveInput,
  CredentialUpsert,
  CredentialValue,
  ExchangedCredential,
  ExternalCredential,
  ResolvedCredential,
} from "./external-credentials/objects.ts";
export { findCredential, fixedToken, paramsOf as credentialParams } from "./external-credentials/resolve-stored.ts";
export type { AgentHost } from "./host/agent-host/client.ts";
export type {
  AgentTool,
  AgentToolOutcome,
  AgentToolPage,
  AgentTurnScope,
  ExecuteAgentToolRequest,
  ListAgentToolsRequest,
  ResolveAgentConnectionRequest,
  ResolvedAgentConnection,
} from "./host/agent-host/objects.ts";
export type { AgentManager } from "./host/agents/client.ts";
export type {
  AgentImageRef,
  AgentMessage,
  AgentMessagePart,
  AgentMessagePartType,
  AgentToolCall,
  AgentToolRef,
  AgentToolResult,
} from "./host/agents/conversation.ts";
export type {
  AgentActor,
  AgentInteraction,
  AgentInteractionState,
  AgentInteractionType,
  AgentSession,
  AgentSessionState,
  AgentTurn,
  AgentTurnDisplay,
  AgentTurnEvent,
  AgentTurnStatus,
} from "./host/agents/objects.ts";
export type {
  AgentListBounds,
  AgentToolSource,
  AgentWorkspace,
  AgentWorkspaceCheckout,
  CancelAgentTurnRequest,
  CreateAgentSessionRequest,
  CreateAgentTurnRequest,
  GetAgentSessionRequest,
  GetAgentTurnRequest,
  ListAgentInteractionsRequest,
  ListAgentSessionsRequest,
  ListAgentTurnEventsRequest,
  ListAgentTurnsRequest,
  ResolveAgentInteractionRequest,
  UpdateAgentSessionRequest,
} from "./host/agents/requests.ts";
export type { Authorization, SearchPage } from "./host/authorization/client.ts";
export type {
  AccessDecision,
  AccessEvaluation,
  ActionSearch,
  AuthorizationAction,
  AuthorizationMetadata,
  AuthorizationModel,
  AuthorizationModelRef,
  AuthorizationResource,
  AuthorizationResourceType,
  AuthorizationSubject,
  Relationship,
  RelationshipFilter,
  RelationshipKey,
  RelationshipWrites,
  ResourceSearch,
  SubjectSearch,
} from "./host/authorization/objects.ts";
export type { Cache, CacheSetEntry, CacheSetOptions, CacheValue } from "./host/cache/client.ts";
export {
  AlreadyExistsError,
  FailedPreconditionError,
  HostServiceError,
  HostServiceMissingError,
  InvalidArgumentError,
  NotFoundError,
  PermissionDeniedError,
  UnavailableError,
} from "./host/errors.ts";
export type { HostServices } from "./host/host.ts";
export {
  type Cursor,
  CursorDirection,
  type CursorOptions,
  type IndexCursorOptions,
  type IndexQuery,
  type KeyCursor,
} from "./host/indexeddb/cursor-types.ts";
export { TransactionError } from "./host/indexeddb/errors.ts";
export { type IndexKey, KeyRange } from "./host/indexeddb/key-range.ts";
export type { IndexedDBRecord, StoredRecord } from "./host/indexeddb/records.ts";
export { type ColumnSchema, ColumnType, type IndexSchema, type ObjectStoreSchema } from "./host/indexeddb/schema.ts";
export { Timestamp } from "./host/indexeddb/timestamp.ts";
export type {
  Index,
  IndexedDB,
  ObjectStore,
  Transaction,
  TransactionIndex,
  TransactionMode,
  TransactionObjectStore,
  TransactionOptions,
} from "./host/indexeddb/types.ts";
export type { IndexedDBValue } from "./host/indexeddb/values.ts";
export type { HostCallOptions } from "./host/link.ts";
export type {
  ExchangeOptions,
  PluginGrant,
  PluginInvocationResult,
  PluginInvokeOptions,
  PluginInvoker,
} from "./host/plugins/client.ts";
export type {
  RuntimeLogEntry,
  RuntimeLogHost,
  RuntimeLogOptions,
  RuntimeLogStream,
} from "./host/runtime-logs/client.ts";
export type { S3WriteBody } from "./host/s3/body.ts";
export type { S3, S3CopyOptions } from "./host/s3/client.ts";
export type { S3ListOptions, S3Page } from "./host/s3/list.ts";
export type { S3Object } from "./host/s3/object.ts";
export type { S3AccessURL, S3PresignOptions } from "./host/s3/presign.ts";
export type { S3Reading, S3ReadOptions } from "./host/s3/read.ts";
export type { S3WriteOptions } from "./host/s3/write.ts";
export type { AnyHostUse, HostFor, HostUse } from "./host/uses.ts";
export type {
  InvokeWorkflowOperation,
  WorkflowHost,
  WorkflowOperationResult,
} from "./host/workflow-host/client.ts";
export type { WorkflowManager } from "./host/workflows/client.ts";
export type {
  ManagedWorkflowEventTrigger,
  ManagedWorkflowRun,
  ManagedWorkflowRunSignal,
  ManagedWorkflowSchedule,
  WorkflowActor,
  WorkflowEvent,
  WorkflowEventMatch,
  WorkflowEventTrigger,
  WorkflowRun,
  WorkflowRunStatus,
  WorkflowRunTrigger,
  WorkflowSchedule,
  WorkflowSignal,
} from "./host/workflows/objects.ts";
export type {
  CreateWorkflowScheduleRequest,
  CreateWorkflowTriggerRequest,
  PublishWorkflowEventRequest,
  SignalOrStartWorkflowRunRequest,
  SignalWorkflowRunRequest,
  StartWorkflowRunRequest,
  UpdateWorkflowScheduleRequest,
  UpdateWorkflowTriggerRequest,
  WorkflowScheduleRequest,
  WorkflowTriggerRequest,
} from "./host/workflows/requests.ts";
export type {
  WorkflowAgentTarget,
  WorkflowOutputBinding,
  WorkflowOutputDelivery,
  WorkflowOutputSource,
  WorkflowPluginTarget,
  WorkflowTarget,
} from "./host/workflows/targets.ts";
export { defineIndexedDBProvider, type IndexedDBHandlers, type IndexedDBProviderOptions } from "./indexeddb/define.ts";
export { IndexedDBAlreadyExistsError, IndexedDBNotFoundError } from "./indexeddb/errors.ts";
export { compareBytes as compareIndexedDBKeys } from "./indexeddb/model/bytes.ts";
export { type IndexKey as IndexedDBIndexKey, indexKeyReader } from "./indexeddb/model/index-key.ts";
export { assertIndexFields } from "./indexeddb/model/intervals.ts";
export type {
  IndexedDBCursor,
  IndexedDBCursorInput,
  IndexedDBCursorRead,
  IndexedDBEntry,
  IndexedDBIdle,
  IndexedDBOperations,
  IndexedDBQuery,
  IndexedDBRead,
  IndexedDBRow,
  IndexedDBSchema,
  IndexedDBTransaction,
  IndexedDBTransactionInput,
} from "./indexeddb/objects.ts";
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
export {
  defineSecretsProvider,
  type SecretName,
  type SecretsHandlers,
  type SecretsProviderOptions,
} from "./secrets/define.ts";
export { type EdgeWorker, serve } from "./serve.ts";
export type { SpanAttribute } from "./telemetry/attributes.ts";
export {
  type AgentInvocationOptions,
  type GenAIParent,
  type ModelOperationOptions,
  type ToolExecutionOptions,
  withAgentInvocation,
  withModelOperation,
  withToolExecution,
} from "./telemetry/gen-ai.ts";
export type { GenAIOperation, ModelResponse, TokenUsage } from "./telemetry/gen-ai-operation.ts";
export type { RequestTrace } from "./telemetry/request-trace.ts";
