// What runs after a user has connected an account.
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import type { PostConnectCredential } from "../../gen/gestalt/provider/v1/integration_pb.ts";
import type { ProviderRequest } from "../call.ts";
import type { AnyHostUse, HostUse } from "../host/uses.ts";

/** The credential as stored when the connection was made. Holds secrets. */
export interface ConnectedToken {
  readonly id: string;
  readonly subjectId: string;
  /** The plugin's name. */
  readonly integration: string;
  readonly connection: string;
  readonly instance: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Granted scopes, separated by spaces. */
  readonly scopes: string;
  /** Undefined when the access token does not expire. */
  readonly expiresAt: Date | undefined;
  readonly lastRefreshedAt: Date | undefined;
  readonly createdAt: Date | undefined;
  readonly updatedAt: Date | undefined;
  /** Failed refreshes since the last successful one. */
  readonly refreshErrorCount: number;
  /** JSON object of strings, as text. */
  readonly metadataJson: string;
}

/** Returns what to store with the credential; calls get it back as connection parameters. */
export type PostConnect<Config, Use extends HostUse = AnyHostUse> = (
  token: ConnectedToken,
  request: ProviderRequest<Config, Use>,
) => ConnectionMetadata | Promise<ConnectionMetadata>;

export type ConnectionMetadata = Readonly<Record<string, string>>;

export function connectedToken(wire: PostConnectCredential): ConnectedToken {
  const { $typeName: _, expiresAt, lastRefreshedAt, createdAt, updatedAt, ...rest } = wire;
  return {
    id: rest.id,
    subjectId: rest.subjectId,
    integration: rest.integration,
    connection: rest.connection,
    instance: rest.instance,
    accessToken: rest.accessToken,
    refreshToken: rest.refreshToken,
    scopes: rest.scopes,
    refreshErrorCount: rest.refreshErrorCount,
    metadataJson: rest.metadataJson,
    expiresAt: dateOf(expiresAt),
    lastRefreshedAt: dateOf(lastRefreshedAt),
    createdAt: dateOf(createdAt),
    updatedAt: dateOf(updatedAt),
  };
}

function dateOf(timestamp: Timestamp | undefined): Date | undefined {
  return timestamp && timestampDate(timestamp);
}
