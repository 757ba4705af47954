// Plugins that declare host services in each of the ways there are, and tell what they see.
import {
  definePlugin,
  HostServiceMissingError,
  operation,
  type ProviderRequest,
  serve,
} from "../../src/worker/index.ts";

/** Brings the clients along. Nothing here calls one, so it is bound to nothing. */
export { HostChannel } from "../../src/worker/channel/host-channel.ts";

const SERVICES = [
  "cache",
  "s3",
  "indexedDB",
  "plugins",
  "workflows",
  "workflowHost",
  "agents",
  "agentHost",
  "authorization",
  "runtimeLogs",
] as const;

/** What hooks saw, by session. */
const seen = new Map<string, string[]>();

const present = (host: object) => SERVICES.filter((key) => key in host);
const see = ({ name, host }: Pick<ProviderRequest, "name"> & { readonly host: object }) => {
  seen.set(name, present(host));
};

const tell = operation({ handler: (_input, { host }) => present(host) });
const hooks = operation({ handler: (_input, { name }) => seen.get(name) });

const declaring = definePlugin({
  uses: ["cache"],
  configure: see,
  operations: {
    tell,
    hooks,
    own: operation({ uses: ["s3?", "plugins?"], handler: (_input, { host }) => present(host) }),
    needs: operation({ uses: ["cache"], handler: (_input, { host }) => typeof host.cache("x") }),
    explains: operation({
      uses: ["cache"],
      handler: (_input, { host }) => {
        try {
          host.cache();
        } catch (error) {
          if (error instanceof HostServiceMissingError) return [error.service, error.message];
        }
      },
    }),
  },
});

const inOperations = definePlugin({
  configure: see,
  operations: {
    tell,
    hooks,
    a: operation({ uses: ["s3", "cache?"], handler: (_input, { host }) => present(host) }),
    none: operation({ uses: [], handler: (_input, { host }) => present(host) }),
  },
});

const undeclared = definePlugin({
  configure: see,
  operations: {
    tell,
    hooks,
    host: operation({
      handler: (_input, { host }) => ({ ...host }),
    }),
  },
});

const reaching = definePlugin({
  uses: ["s3"],
  configure: ({ host }) => void host.s3(),
  operations: { tell },
});

export default serve({ declaring, inOperations, undeclared, reaching });
