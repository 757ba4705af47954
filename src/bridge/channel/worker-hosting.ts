// What a worker says about host services, held against what gestaltd offers the session.
import type { DescribeResponse, HostServiceUse } from "../../gen/gestalt/edge/v1/edge_pb.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { CHANNEL_REMEDY, offerRemedy } from "../../wire/host-remedies.ts";
import { HOST_SERVICES, type HostServiceKey, hostServiceKey } from "../../wire/host-services.ts";
import { BridgeError } from "../errors.ts";
import type { HostService } from "../host/host-service.ts";

export interface WorkerHosting {
  /** Whether a channel can be opened. */
  readonly hostChannel: boolean;
  /**
   * Host services that the provider's author declared. None for who declared nothing as for who said `uses: []`: nothing is decided by
   * the difference, since a channel also takes the session's log and its spans.
   */
  readonly uses: readonly Pick<HostServiceUse, "name" | "optional">[];
}

export function workerHosting({ hostChannel, providers }: DescribeResponse, provider: string): WorkerHosting {
  const uses = providers.find(({ name }) => name === provider)?.uses ?? [];
  return { hostChannel, uses };
}

/**
 * @throws BridgeError FAILED_PRECONDITION when the provider cannot work without a service that it would not reach: it is better
 * not started than failing call by call.
 */
export function checkUses(name: string, hosting: WorkerHosting, services: ReadonlyMap<string, HostService>): void {
  const needed = hosting.uses.filter(({ optional }) => !optional).map((use) => use.name);
  if (needed.length === 0) return;
  const offered = new Set([...services.keys()].map(hostServiceKey));
  const missing = needed.filter((key) => !offered.has(key as HostServiceKey));
  if (missing.length > 0) {
    const remedies = missing.map((key) => `${key} (${remedyOf(key, name)})`).join(", ");
    throw unmet(`${quote(name)} uses host services that gestaltd does not offer it: ${remedies}`);
  }
  if (!hosting.hostChannel) throw unmet(`${quote(name)} uses ${needed.join(", ")}, and ${NO_CHANNEL}`);
}

export const NO_CHANNEL = `its worker has no host channel to reach them by: ${CHANNEL_REMEDY}`;

function remedyOf(key: string, name: string): string {
  const known = Object.hasOwn(HOST_SERVICES, key);
  return known
    ? offerRemedy(key as HostServiceKey, name)
    : "this bridge does not know it; install the version the worker was built with";
}

function unmet(message: string): BridgeError {
  return new BridgeError(GrpcCode.failedPrecondition, message);
}

function quote(name: string): string {
  return JSON.stringify(name);
}
