// The examples, each in an embedded workerd of this process, where bridges find them as they find `gestalt-edge dev`.
import { join } from "node:path";
import type { JsonObject } from "@bufbuild/protobuf";
import { type EmbeddedNode, startEmbeddedNode } from "../../src/bridge/embedded/node.ts";
import { createDevScreen } from "../../src/cli/dev-screen.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { bytes } from "../../src/cli/units.ts";

export interface Examples {
  readonly summary: string;
  /** The `worker` part of a bridge's config. */
  worker(example: Example): JsonObject;
  /** From now on calls and log lines are printed. */
  showCalls(): void;
  /** Resolves when one of them has ended. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

const EXAMPLES = ["search", "cache", "blobs", "briefing"] as const;
type Example = (typeof EXAMPLES)[number];

/** Data goes to `state`, or to each example's own folder. */
export async function startExamples(terminal: Terminal, state: string | undefined): Promise<Examples> {
  const screen = createDevScreen(terminal);
  let shows = false;
  const place = (example: Example) => ({
    project: join(import.meta.dirname, "../../examples", example),
    ...(state === undefined ? {} : { state: join(state, example) }),
  });
  const start = (example: Example) =>
    startEmbeddedNode({
      ...{ ...place(example), callLog: true, watch: true },
      hooks: { log: (line) => shows && screen.log(line) },
    });
  const nodes = new Map<Example, EmbeddedNode>();
  const close = async () => {
    for (const node of nodes.values()) await node.close();
  };
  try {
    await Promise.all(EXAMPLES.map(async (example) => nodes.set(example, await start(example))));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    summary: [...nodes].map(([name, { worker }]) => `${name} ${bytes(worker.bundleBytes)}`).join(", "),
    worker: place,
    showCalls: () => {
      shows = true;
    },
    ended: Promise.race([...nodes.values()].map(({ ended }) => ended)),
    close,
  };
}
