// Asks a worker for the WebSocket of a channel.
import type { Duplex } from "node:stream";
import { CHANNEL_PATH } from "../../wire/routes.ts";
import type { Upstream } from "../upstream.ts";
import { requestUpgrade, type Upgrade } from "../web-socket/upgrade.ts";
import { type Ending, endingOfAnswer, endingOfError } from "./ending.ts";
import { MAX_REFUSAL_BYTES } from "./limits.ts";

/** Told one of them, once, later than `upgrade` returns; nothing after {@link Upgrade.abort}. */
export interface UpgradeEvents {
  /** The socket speaks WebSocket, without extensions, from here on. */
  upgraded(socket: Duplex): void;
  failed(ending: Ending): void;
}

export type { Upgrade } from "../web-socket/upgrade.ts";

/** The session token is in the headers of this one request and nowhere later: a channel outlives it. */
export function upgrade({ origin, basePath, dispatcher, headers }: Upstream, events: UpgradeEvents): Upgrade {
  const path = `${basePath}${CHANNEL_PATH}`;
  const list = Object.entries(headers).flat();
  return requestUpgrade(
    { origin, path, dispatcher, headers: list, maxRefusalBytes: MAX_REFUSAL_BYTES },
    {
      upgraded: (socket) => events.upgraded(socket),
      refused: (status, _, body) => events.failed(endingOfAnswer(status, body)),
      failed: (error) => events.failed(endingOfError(error)),
    },
  );
}
