// What node and bridges say to each other on the control socket: one JSON message per line.
import * as z from "zod";

/** Raised when messages change in a way an older side cannot read. */
export const CONTROL_VERSION = 1;

const key = z.object({ kty: z.literal("OKP"), crv: z.literal("Ed25519"), x: z.string(), d: z.string() });

const worker = z.object({
  origin: z.url(),
  name: z.string(),
  digest: z.string(),
  bundleBytes: z.number(),
  key,
});

const state = z.discriminatedUnion("type", [
  z.object({ type: z.literal("starting") }),
  z.object({ type: z.literal("ready"), worker }),
  z.object({ type: z.literal("restarting") }),
  z.object({ type: z.literal("reload-failed"), message: z.string(), worker }),
  z.object({ type: z.literal("failed"), message: z.string() }),
  z.object({ type: z.literal("closed") }),
]);

/** From node to bridge. `refused`: the node stays, whoever asked it to retire. */
export const nodeMessageSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("state"), version: z.literal(CONTROL_VERSION), state }),
  z.object({ type: z.literal("refused"), message: z.string() }),
]);

/** From bridge to node. `attach`: keep the node alive while this connection is open. `retire`: end, a successor waits. */
export const bridgeMessageSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("attach"), version: z.literal(CONTROL_VERSION), pid: z.int() }),
  z.object({ type: z.literal("retire"), version: z.literal(CONTROL_VERSION), pid: z.int() }),
]);

export type NodeMessage = z.infer<typeof nodeMessageSchema>;
export type BridgeMessage = z.infer<typeof bridgeMessageSchema>;
/** Private Ed25519 key as JWK. */
export type PrivateJwk = z.infer<typeof key>;
/** Where the worker is and how to be let in. */
export type EmbeddedWorker = Readonly<z.infer<typeof worker>>;
/** See `node.ts`. */
export type WorkerState = z.infer<typeof state>;
