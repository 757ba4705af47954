// `gestalt-edge rotate-keys`: has a provider of external credentials encrypt with its current key what lies under an old one.
import { createSecrets } from "../bridge/log.ts";
import type { Target } from "../bridge/target/target.ts";
import { CredentialKeysService, type RotateKeysResponse } from "../gen/gestalt/edge/v1/edge_pb.ts";
import type { JsonObject } from "../wire/session-token.ts";
import { defineCommand } from "./command.ts";
import { CliError, ExitCode, usageError } from "./errors.ts";
import { readObject } from "./read-source.ts";
import { checkTarget, TARGET_OPTIONS } from "./target-options.ts";
import type { Terminal } from "./terminal.ts";
import { explainRefusal, workerClient } from "./worker-client.ts";

/** As the providers name their keys. */
const KEY_ID = /^[0-9a-f]{16}$/;

export const rotateKeys = defineCommand({
  name: "rotate-keys",
  operands: ["NAME"],
  about: [
    "Opens a session with the worker and has its provider NAME encrypt all that it keeps with its current key. Safe to run",
    "while gestaltd does, and again after a failure. Says which keys the worker lacks, and exits with 1 when there are any:",
    "set those as old keys and run it again. --forget deletes for good what lies under keys that nobody has now.",
  ].join("\n"),
  options: {
    ...TARGET_OPTIONS,
    config: { type: "string", short: "c", value: "JSON|@FILE", help: "The provider's config, as gestaltd has it" },
    forget: { type: "string", value: "ID[,ID]", help: "Keys that are lost: delete what lies under them" },
  },
  examples: [
    "gestalt-edge rotate-keys credentials --project ./credentials",
    "gestalt-edge rotate-keys credentials --url https://credentials.acme.workers.dev --key edge.key",
    "gestalt-edge rotate-keys credentials --forget 3f9a0c5d71e2b846",
  ],
  run: async ({ values, positionals: [provider = ""], terminal, signal }) => {
    const place = checkTarget(values, "rotate-keys");
    const forgetKeyIds = keyIds(values.forget);
    const config = values.config === undefined ? {} : await readObject(values.config, "--config", signal);
    const { openTarget } = await import("../bridge/target/open-target.ts");
    const target = await openTarget(place, { root: process.cwd(), env: process.env, secrets: createSecrets() });
    try {
      terminal.progress(`Rotating the keys of ${provider} at ${target.description} …`);
      const done = await rotateAll(target, { provider, config, forgetKeyIds, signal });
      show(done, terminal);
      return done.missing.length === 0 ? ExitCode.ok : ExitCode.failed;
    } finally {
      await target.close();
    }
  },
});

interface Rotation {
  readonly provider: string;
  readonly config: JsonObject;
  readonly forgetKeyIds: readonly string[];
  readonly signal: AbortSignal;
}

/** Until nothing remains to be done. Counts are of all calls together. */
async function rotateAll(target: Target, { provider, config, forgetKeyIds, signal }: Rotation) {
  const client = workerClient(target, CredentialKeysService, { provider, config });
  let [rotated, forgotten] = [0n, 0n];
  for (;;) {
    const done = await client.rotateKeys({ forgetKeyIds: [...forgetKeyIds] }, { signal }).catch((error: unknown) => {
      throw explainRefusal(error, target);
    });
    rotated += done.rotated;
    forgotten += done.forgotten;
    if (done.remaining === 0n) return { ...done, rotated, forgotten };
    // What is written meanwhile lies under the current key, so that less remains with each call.
    if (done.rotated === 0n) throw stuck(done, target);
  }
}

function stuck({ remaining }: RotateKeysResponse, target: Target): CliError {
  const what = `The provider encrypts nothing anew, though ${remaining} entries remain`;
  return new CliError({ what, where: target.description, fix: "The worker's log says why: `wrangler tail` shows it" });
}

function show(
  { keyId, rotated, forgotten, missing }: Pick<RotateKeysResponse, "keyId" | "rotated" | "forgotten" | "missing">,
  terminal: Terminal,
): void {
  const lacking = missing.map(({ keyId, credentials }) => ({ keyId, entries: Number(credentials) }));
  terminal.data({ keyId, rotated: Number(rotated), forgotten: Number(forgotten), missing: lacking });
  if (terminal.json) return;
  terminal.print(`Everything that can be opened is encrypted with the key ${keyId}; ${rotated} entries are so anew.`);
  if (forgotten > 0n) terminal.print(`${forgotten} entries under keys that are lost have been deleted.`);
  for (const { keyId, entries } of lacking) terminal.note(`The worker lacks the key ${keyId}, of ${entries} entries.`);
}

function keyIds(list: string | undefined): string[] {
  const ids = list?.split(",") ?? [];
  const wrong = ids.find((id) => !KEY_ID.test(id));
  if (wrong !== undefined)
    throw usageError(`"${wrong}" is no key's id: those have 16 hexadecimal digits`, "rotate-keys");
  return ids;
}
