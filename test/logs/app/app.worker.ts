// A worker that prints: a plugin for sessions whose log gestaltd keeps, and a cache for those whose it does not.
import { z } from "zod";
import { defineCacheProvider, definePlugin, operation, serve } from "../../../src/worker/index.ts";

export { HostChannel } from "../../../src/worker/channel/host-channel.ts";

console.log("the worker starts");

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const chatty = definePlugin<Record<string, unknown>>({
  displayName: "Chatty",
  config: z.record(z.string(), z.unknown()),
  configure: ({ config, log }) => log.info("configured", { config }),
  close: ({ log }) => log.info("closed"),
  operations: [
    operation({
      id: "all",
      method: "POST",
      description: "Prints in every way.",
      input: z.object({}),
      async handler(_input, { log }) {
        log.debug("a");
        log.info("b", { bytes: 12 });
        console.log("c %s", "formatted", { with: ["an", "object"] });
        console.debug("d");
        console.warn("e");
        log.warn("f", { error: new TypeError("shown") });
        console.error("g");
        await pause(1);
        console.info("h\nsecond line");
        return {};
      },
    }),
    operation({
      id: "say",
      method: "POST",
      description: "Prints a word a few times, with pauses, by both ways.",
      input: z.object({ word: z.string(), times: z.number() }),
      async handler({ word, times }, { log }) {
        for (let time = 0; time < times; time += 1) {
          console.log(word);
          await pause(time % 3);
          log.info(word);
        }
        return {};
      },
    }),
    operation({
      id: "later",
      method: "POST",
      description: "Prints when the answer has gone out.",
      input: z.object({ word: z.string(), ms: z.number().default(5) }),
      handler({ word, ms }, { waitUntil }) {
        const later = async () => {
          await pause(ms);
          console.log(word);
        };
        waitUntil(later());
        return {};
      },
    }),
    operation({
      id: "flood",
      method: "POST",
      description: "Prints a lot, in one go.",
      input: z.object({ lines: z.number() }),
      handler({ lines }) {
        for (let line = 0; line < lines; line += 1) console.log(`line ${line} of many`);
        return {};
      },
    }),
    operation({
      id: "secrets",
      method: "POST",
      description: "Prints what must not be printed.",
      input: z.object({}),
      handler(_input, { config, env, log }) {
        log.info("told", { config });
        console.log("the environment is", env);
        // Far more than a line may have, so that it is cut in the secret.
        console.log("x".repeat(8_000) + config.passphrase);
        return {};
      },
    }),
    operation({
      id: "hang",
      method: "POST",
      description: "Never ends.",
      input: z.object({}),
      handler: () => new Promise(() => undefined),
    }),
  ],
});

const store = defineCacheProvider<Record<string, unknown>>({
  configure: ({ log }) => log.info("configured"),
  async get({ key }, { config, log }) {
    if (key === "hang") await new Promise(() => undefined);
    log.info("asked", { key, password: config.password });
    await pause(1);
    console.warn(`no ${key}`);
    return null;
  },
  set() {},
  delete: () => false,
  touch: () => false,
});

export default serve({ chatty, store });
