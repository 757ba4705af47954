// What a new node's process tells the bridge that started it.
import * as z from "zod";

/** `listening`: its control socket is open. `busy`: another node has the state folder. */
export const launchReportSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("listening") }),
  z.object({ type: z.literal("busy") }),
  z.object({ type: z.literal("failed"), message: z.string() }),
]);

export type LaunchReport = z.infer<typeof launchReportSchema>;
