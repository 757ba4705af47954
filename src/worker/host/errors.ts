// How calls of host services fail: one class for all of them, and one for each failure that authors tell apart.
import { Code, ConnectError } from "@connectrpc/connect";
import type { HostServiceKey } from "../../wire/host-services.ts";

/** What every failed call of a host service throws. What is thrown has a class of its own where one is listed below. */
export class HostServiceError extends Error {
  override readonly name: string = "HostServiceError";
  /** As in `request.host`. */
  readonly service: HostServiceKey;
  /** gRPC's code of the failure; `Code.Unavailable` is worth another try. */
  readonly code: Code;

  constructor(service: HostServiceKey, code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.service = service;
    this.code = code;
  }
}

/** What the call is about does not exist. */
export class NotFoundError extends HostServiceError {
  override readonly name: string = "NotFoundError";
}

/** What the call would create exists already. */
export class AlreadyExistsError extends HostServiceError {
  override readonly name: string = "AlreadyExistsError";
}

/** The request is wrong by itself, whatever state the service is in. */
export class InvalidArgumentError extends HostServiceError {
  override readonly name: string = "InvalidArgumentError";
}

/** The service is not in the state the call needs: a condition does not hold, or something is not configured. */
export class FailedPreconditionError extends HostServiceError {
  override readonly name: string = "FailedPreconditionError";
}

/** gestaltd does not let this provider, or the subject it acts for, do that. */
export class PermissionDeniedError extends HostServiceError {
  override readonly name: string = "PermissionDeniedError";
}

/** gestaltd cannot be reached just now, or went away during the call. Whether the call took effect is not known. */
export class UnavailableError extends HostServiceError {
  override readonly name: string = "UnavailableError";
}

/** The service, or the binding, is not among those gestaltd offers to this session. */
export class HostServiceMissingError extends HostServiceError {
  override readonly name: string = "HostServiceMissingError";

  constructor(service: HostServiceKey, message: string) {
    super(service, Code.FailedPrecondition, message);
  }
}

/** What a service's own errors are made by, by code. */
export type HostErrors = { readonly [C in Code]?: (message: string, options: ErrorOptions) => HostServiceError };

const COMMON: { readonly [C in Code]?: typeof HostServiceError } = {
  [Code.NotFound]: NotFoundError,
  [Code.AlreadyExists]: AlreadyExistsError,
  [Code.InvalidArgument]: InvalidArgumentError,
  [Code.FailedPrecondition]: FailedPreconditionError,
  [Code.PermissionDenied]: PermissionDeniedError,
  [Code.Unavailable]: UnavailableError,
};

/** The error to throw for what a transport threw: of the service's own classes, else a common one, else the base. */
export function hostServiceError(service: HostServiceKey, thrown: unknown, own: HostErrors = {}): HostServiceError {
  if (thrown instanceof HostServiceError) return thrown;
  const cause = ConnectError.from(thrown);
  const message = cause.rawMessage || Code[cause.code];
  const make = own[cause.code];
  if (make !== undefined) return make(message, { cause });
  return new (COMMON[cause.code] ?? HostServiceError)(service, cause.code, message, { cause });
}
