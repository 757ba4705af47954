// What every kind of bridge is made of: routes for the socket, and an end.

import type { DescService } from "@bufbuild/protobuf";
import type { Route } from "../grpc/router.ts";
import type { HostClient } from "../host/client.ts";
import type { Log, Secrets } from "../log.ts";
import type { Keeper, ServerSockets } from "../supervisor/supervision.ts";
import type { Tracing } from "../tracing/tracing.ts";

/** The process around a bridge. */
export interface BridgeContext {
  /** gestaltd's name for the provider, as the environment tells it; may be empty. */
  readonly name: string;
  /** Folder that relative paths in config start from. */
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly secrets: Secrets;
  readonly log: Log;
  /** What the next process gets when this one crashes. */
  readonly keeper: Keeper;
  readonly sockets: ServerSockets;
  /** The way to gestaltd's host services, for all sessions of the process. */
  readonly hostClient: HostClient;
  /** Undefined when no traces are wanted. */
  readonly tracing?: Tracing | undefined;
}

export interface Bridge {
  readonly routes: readonly Route[];
  /** The services the routes belong to, for health and reflection. */
  readonly services: readonly DescService[];
  /** Puts in place what a predecessor kept; to be awaited before anybody is let in. Asks nothing of any worker. */
  restore(): Promise<void>;
  /** Ends sessions and gives up targets; calls that are still in flight fail. */
  close(): Promise<void>;
}
