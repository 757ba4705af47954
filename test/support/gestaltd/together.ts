// examples/gestaltd in a folder of a test's own, by the steps of its README; with the ports of this run in a second config, as an
// operator has them.
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, cp, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { stringify } from "yaml";
import { signIn } from "../../authentication/issuer.ts";
import { until } from "../bridge-process.ts";
import { freePort, type Gestaltd, serveGestaltd } from "./gestaltd.ts";
import type { Answer } from "./http-api.ts";
import { processesAt } from "./processes.ts";

const run = promisify(execFile);
const repository = join(import.meta.dirname, "../../..");
const example = join(repository, "examples/gestaltd");
const PROJECTS = ["providers", "notes"];
/** What a run of the example leaves in its folder; not of a clone. */
const MADE = /\/(node_modules|dist|\.gestalt-edge|\.gestaltd|\.dev\.vars|gestalt\.lock\.json)$/;
const LOGIN = "/api/v1/auth/login";

export interface Together {
  /** The copy in use. */
  folder(): string;
  /** Starts gestaltd on it; variables that are undefined are left out. */
  serve(env?: Readonly<Record<string, string | undefined>>): Promise<Gestaltd>;
  /** A request of somebody with an API token: GET, or POST where there is input. */
  ask(path: string, options: { readonly token: string; readonly input?: object | undefined }): Promise<Answer>;
  /** Signs in with the example's issuer, as a browser would; resolves with an API token. */
  signIn(person: string): Promise<string>;
  /** Gives somebody a role for the plugin, at the listener for admins. */
  grant(email: string, role: string): Promise<Answer>;
  /** Where a text is in the copy: a worker's `.gestalt-edge`, or a file elsewhere. */
  placesWith(text: string): Promise<string[]>;
  /** Goes on in a second copy, with what the workers keep and nothing else; the first is gone. */
  moveToEmptyFolder(): Promise<void>;
  stopIssuer(): Promise<void>;
  /** `pid command line` of all that runs below gestaltd, and of itself. */
  processes(): string[];
  /** Resolves when nothing runs any more that gestaltd has started. */
  ended(): Promise<void>;
  remove(): Promise<void>;
}

export async function startTogether(): Promise<Together> {
  const home = await mkdtemp(join(tmpdir(), "gd-"));
  const [port, adminPort, issuerPort] = [await freePort(), await freePort(), await freePort()];
  const [url, admin, issuer] = [port, adminPort, issuerPort].map((port) => `http://127.0.0.1:${port}`);
  const ports = { public: { port }, management: { port: adminPort }, baseUrl: url };
  let folder = await copyExample(join(home, "a"), ports);
  const issuing = await startIssuer(folder, issuerPort, `${url}${LOGIN}/callback`);
  return {
    folder: () => folder,
    serve(env) {
      const variables = { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: "gestaltd", ...env };
      const set = Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined);
      const args = ["--config", "gestaltd.yaml", "--config", "ports.yaml"];
      return serveGestaltd({ folder, url: String(url), args, env: { ...Object.fromEntries(set), HOME: home } });
    },
    ask: (path, { token, input }) => ask(`${url}${path}`, input === undefined ? "GET" : "POST", { token, input }),
    signIn: (person) => apiToken(String(url), String(issuer), person),
    grant: (email, role) =>
      ask(`${admin}/admin/api/v1/authorization/plugins/notes/members`, "PUT", { input: { email, role } }),
    placesWith: (text) => placesWith(folder, text),
    async moveToEmptyFolder() {
      const next = await copyExample(join(home, "b"), ports);
      for (const project of PROJECTS) {
        await rename(join(folder, project, ".gestalt-edge"), join(next, project, ".gestalt-edge"));
      }
      await rm(folder, { recursive: true });
      folder = next;
    },
    stopIssuer: () => stop(issuing),
    processes: () => processesAt(home),
    ended: () => until(() => processesAt(home).length === 0, "everything that gestaltd has started ends"),
    async remove() {
      await stop(issuing);
      await until(() => processesAt(home).length === 0, "everything that gestaltd has started ends");
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** `cp -r examples/gestaltd`, `npm install`, `cp providers/dev.vars.example …`, `npm run build`. */
async function copyExample(folder: string, ports: object): Promise<string> {
  await cp(example, folder, { recursive: true, filter: (path) => !MADE.test(path) });
  await symlink(join(repository, "node_modules"), join(folder, "node_modules"));
  await copyFile(join(folder, "providers/dev.vars.example"), join(folder, "providers/.dev.vars"));
  await writeFile(join(folder, "ports.yaml"), stringify({ apiVersion: "gestaltd.config/v5", server: ports }));
  await run(process.execPath, [join(repository, "dist/lib/cli/main.js"), "build", "notes"], { cwd: folder });
  return folder;
}

async function startIssuer(folder: string, port: number | undefined, CALLBACK: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(folder, "issuer.mjs")], {
    env: { ...process.env, PORT: String(port), CALLBACK },
    stdio: ["ignore", "pipe", "ignore"],
  });
  // It says where it listens; what it says later has to be read too.
  await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
  child.stdout.resume();
  assert.equal(child.exitCode, null, "the issuer runs");
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}

async function ask(
  url: string,
  method: string,
  options: { token?: string; input?: object | undefined },
): Promise<Answer> {
  const { token, input } = options;
  const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
  const answer = await fetch(url, { method, headers, ...(input && { body: JSON.stringify(input) }) });
  return { status: answer.status, body: await answer.json() };
}

async function apiToken(url: string, issuer: string, person: string): Promise<string> {
  const begun = await fetch(url + LOGIN, { redirect: "manual" });
  const query = await signIn(begun.headers.get("location") ?? "", person, issuer);
  const callback = `${url}${LOGIN}/callback?${new URLSearchParams(query)}`;
  const signedIn = await fetch(callback, { redirect: "manual", headers: { cookie: cookiesOf(begun) } });
  const headers = { cookie: cookiesOf(signedIn) };
  const made = await fetch(`${url}/api/v1/tokens`, { method: "POST", headers, body: JSON.stringify({ name: "test" }) });
  assert.equal(made.status, 201, `${signedIn.status} ${await signedIn.text()}`);
  return ((await made.json()) as { token: string }).token;
}

function cookiesOf(answer: Response): string {
  return answer.headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0])
    .join("; ");
}

async function placesWith(folder: string, text: string): Promise<string[]> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const places = new Set<string>();
  for (const file of files.filter((entry) => entry.isFile())) {
    const path = relative(folder, join(file.parentPath, file.name));
    if (!(await readFile(join(folder, path))).includes(text)) continue;
    places.add(path.replace(/(\.gestalt-edge)\/.*/, "$1"));
  }
  return [...places].sort();
}
