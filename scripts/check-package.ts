// What the package publishes: publint's rules, and that `npm pack` holds only what users need. Needs dist/.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { publint } from "publint";
import { formatMessage } from "publint/utils";

// Each is a file or folder that a user of the package reads or runs.
const PUBLISHED = [/^dist\//, /^package\.json$/, /^README\.md$/, /^LICENSE$/];

const run = promisify(execFile);
const faults: string[] = [];

const { messages, pkg } = await publint({ strict: true });
for (const message of messages) faults.push(`publint: ${formatMessage(message, pkg) ?? message.code}`);

const { stdout } = await run("npm", ["pack", "--dry-run", "--json", "--ignore-scripts", "--loglevel=error"]);
const [pack] = Object.values(JSON.parse(stdout) as Record<string, { files: { path: string }[]; unpackedSize: number }>);
for (const { path } of pack?.files ?? []) {
  if (!PUBLISHED.some((pattern) => pattern.test(path))) faults.push(`npm pack would publish ${path}`);
  if (/\.test\.|tsbuildinfo|\.worker\.ts$|(^|\/)\./.test(path))
    faults.push(`npm pack would publish the test or build file ${path}`);
}
process.stdout.write(
  `package: ${pack?.files.length} files, ${((pack?.unpackedSize ?? 0) / 1e6).toFixed(1)} MB unpacked\n`,
);

for (const fault of faults) process.stderr.write(`${fault}\n`);
process.exitCode = faults.length === 0 ? 0 : 1;
