// A plugin that would step out of its guard over a binding to the service without one, if it could name it.
import { DurableObject } from "cloudflare:workers";
import { definePlugin, operation, serve } from "gestalt-edge";
import * as z from "zod";

export class Detour extends DurableObject {}

const detour = definePlugin({
  operations: [operation({ id: "nothing", input: z.object({}), handler: () => ({}) })],
});

export default serve({ detour });
