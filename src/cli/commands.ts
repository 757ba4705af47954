// The table of commands, in the order of the help. Each is loaded when it is wanted: what one needs would slow the others.
import type { Command } from "./command.ts";

export interface CommandEntry {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

export const commands: readonly CommandEntry[] = [
  {
    name: "dev",
    summary: "Serve projects on this machine and show their calls",
    load: async () => (await import("./dev.ts")).dev,
  },
  {
    name: "build",
    summary: "Bundle a project and write what Cloudflare and gestaltd need",
    load: async () => (await import("./build.ts")).build,
  },
  {
    name: "deploy",
    summary: "Build a project and deploy it with wrangler",
    load: async () => (await import("./deploy.ts")).deploy,
  },
  {
    name: "keygen",
    summary: "Make the key pair of a deployed worker",
    load: async () => (await import("./keygen.ts")).keygen,
  },
  {
    name: "invoke",
    summary: "Call an operation of a plugin the way gestaltd would",
    load: async () => (await import("./invoke.ts")).invoke,
  },
  {
    name: "rotate-keys",
    summary: "Encrypt stored credentials with the current key",
    load: async () => (await import("./rotate-keys.ts")).rotateKeys,
  },
];
