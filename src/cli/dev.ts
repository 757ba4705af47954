// `gestalt-edge dev`: serves projects on this machine, reloads them on change, shows every call. Bridges that gestaltd
// starts for the same projects use these very workers.
import { defineCommand } from "./command.ts";
import { CliError, ExitCode } from "./errors.ts";
import { projectFolder } from "./project-folder.ts";

export const dev = defineCommand({
  name: "dev",
  operands: ["[project...]"],
  about: [
    "Serves each project's Worker in workerd on this machine, with its data under .gestalt-edge/state, until Ctrl-C.",
    "Prints where it listens, what it serves, and the config to paste into gestaltd. Then prints every call with its",
    "status and time, and what the providers log. Reloads when a source or the wrangler config changes; an error in the",
    "sources is shown, and what ran before goes on running. With --json, each event is one line of JSON.",
  ].join("\n"),
  options: {
    port: {
      type: "string",
      value: "PORT",
      help: "Port on 127.0.0.1, for a single project; otherwise the last one used",
    },
    state: { type: "string", value: "FOLDER", help: "Folder for the data, relative to the project" },
  },
  examples: ["gestalt-edge dev", "gestalt-edge dev ./search ./cache", "gestalt-edge dev --port 8787 --json"],
  run: async ({ values, positionals, terminal, signal }) => {
    const folders = positionals.length === 0 ? ["."] : positionals;
    const port = values.port === undefined ? undefined : parsePort(values.port, folders.length);
    const projects = await Promise.all(folders.map(projectFolder));
    terminal.progress(`Starting ${projects.length === 1 ? "a worker" : `${projects.length} workers`} …`);
    const { createDevScreen } = await import("./dev-screen.ts");
    const { serveProject } = await import("./serve-project.ts");
    const options = { port, state: values.state, signal, screen: createDevScreen(terminal) };
    const served = await Promise.allSettled(projects.map((project) => serveProject({ ...options, project })));
    for (const outcome of served) if (outcome.status === "rejected") throw outcome.reason;
    return ExitCode.ok;
  },
});

function parsePort(text: string, projects: number): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new CliError(
      { what: `"${text}" is no port`, where: "--port", fix: "Give a number from 1 to 65535" },
      ExitCode.usage,
    );
  if (projects > 1)
    throw new CliError(
      {
        what: "One port cannot serve several projects",
        where: "--port",
        fix: "Leave --port out, or serve one project",
      },
      ExitCode.usage,
    );
  return port;
}
