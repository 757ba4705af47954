// What every kind of bridge is made of: routes for the socket, and an end.

import type { DescService } from "@bufbuild/protobuf";
import type { Route } from "../grpc/router.ts";
import type { Log, Secrets } from "../log.ts";

/** The process around a bridge. */
export interface BridgeContext {
  /** gestaltd's name for the provider, as the environment tells it; may be empty. */
  readonly name: string;
  /** Folder that relative paths in config start from. */
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly secrets: Secrets;
  readonly log: Log;
}

export interface Bridge {
  readonly routes: readonly Route[];
  /** The services the routes belong to, for health and reflection. */
  readonly services: readonly DescService[];
  /** Ends sessions and gives up targets; calls that are still in flight fail. */
  close(): Promise<void>;
}
