// What node and bridges say to each other on the control socket: one JSON message per line.
import * as z from "zod";
import { sessionEgressSchema } from "../egress/session-egress.ts";

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

const guards = z.record(z.string(), z.url());

const loggedLine = z.object({
  /** Whose line it is; left out when workerd speaks for itself. */
  session: z.string().optional(),
  level: z.enum(["debug", "info", "warn", "error"]),
  message: z.string(),
  /** Milliseconds since the epoch. */
  time: z.number(),
});

/**
 * From node to bridge. `refused`: the node stays, whoever asked it to retire. `state`: at each change; `guards` are the origins of
 * this bridge's guarded services by the ids it chose, absent in nodes that have none to give. `denied`: such a service has tried
 * to reach what its policy forbids; `times` counts what was not told before. `line`: something was printed for a session that the
 * bridge follows; `dropped` lines before it were not sent. `follows`: the node takes `follow`, which older ones do not understand.
 */
export const nodeMessageSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("state"),
    version: z.literal(CONTROL_VERSION),
    state,
    guards: guards.optional(),
    follows: z.boolean().optional(),
  }),
  loggedLine.extend({ type: z.literal("line"), dropped: z.number().optional() }),
  z.object({ type: z.literal("refused"), message: z.string() }),
  z.object({ type: z.literal("guard-refused"), id: z.string(), code: z.int(), message: z.string() }),
  z.object({ type: z.literal("denied"), id: z.string(), reason: z.string(), times: z.int() }),
]);

const follow = z.object({
  type: z.literal("follow"),
  sessions: z.array(z.string()),
  /** `shared`: of all bridges that say so one is told what concerns every session, since they print in the same place. */
  faults: z.enum(["each", "shared"]),
});

/**
 * From bridge to node. `attach`: keep the node alive while this connection is open. `retire`: end, a successor waits. `guard`: give a
 * session a service that reaches only what its policy allows; the answer is its origin in `guards`, or `guard-refused`. It lasts
 * until `release`, or until the connection ends. `follow`: send what is printed for these sessions from now on, and for no others.
 */
export const bridgeMessageSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("attach"), version: z.literal(CONTROL_VERSION), pid: z.int() }),
  z.object({ type: z.literal("retire"), version: z.literal(CONTROL_VERSION), pid: z.int() }),
  z.object({ type: z.literal("guard"), id: z.string(), egress: sessionEgressSchema }),
  z.object({ type: z.literal("release"), id: z.string() }),
  follow,
]);

export type NodeMessage = z.infer<typeof nodeMessageSchema>;
export type BridgeMessage = z.infer<typeof bridgeMessageSchema>;
export type FollowMessage = Readonly<z.infer<typeof follow>>;
export type LoggedLine = Readonly<z.infer<typeof loggedLine>>;
/** Private Ed25519 key as JWK. */
export type PrivateJwk = z.infer<typeof key>;
/** Where the worker is and how to be let in. */
export type EmbeddedWorker = Readonly<z.infer<typeof worker>>;
/** See `node.ts`. */
export type WorkerState = z.infer<typeof state>;
