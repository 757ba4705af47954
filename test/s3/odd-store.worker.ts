// An object store that does what a store should not, and tells afterwards what happened to it.
import { Code, ConnectError } from "@connectrpc/connect";
import {
  defineS3Provider,
  type Provider,
  type ProviderRequest,
  S3PreconditionFailedError,
} from "../../src/worker/index.ts";

const state = { pulled: 0, cancelled: false, writesRefused: 0 };

export function oddState(): typeof state {
  return state;
}

const CHUNK = new Uint8Array(64 * 1024);

export function oddStore(): Provider {
  return defineS3Provider({
    headObject: ({ ref }) => ({ ref, etag: '"odd"', size: ref.key === "huge" ? 2 ** 60 : 1.5 }),
    /** `endless` never ends; `broken` fails after its first bytes; `deaf` and `heeds` never begin. */
    readObject({ ref }, request) {
      if (ref.key === "deaf" || ref.key === "heeds") return never(ref.key, request);
      Object.assign(state, { pulled: 0, cancelled: false });
      const body = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            if (ref.key === "broken" && state.pulled > 0) throw new Error("a secret of the store");
            state.pulled += CHUNK.byteLength;
            controller.enqueue(CHUNK);
          },
          cancel() {
            state.cancelled = true;
          },
        },
        { highWaterMark: 0 },
      );
      return { meta: { ref, etag: '"odd"', size: 2 ** 40 }, body };
    },
    /** Refuses without reading, or accepts without reading. */
    writeObject({ ref }) {
      if (ref.key === "accepted") return { ref, etag: '"odd"', size: 0 };
      state.writesRefused++;
      throw new S3PreconditionFailedError("refused unread");
    },
    deleteObject() {
      throw new Error("a secret of the store");
    },
    listObjects: () => ({ objects: [] }),
    /** Parts of `deaf` and `heeds` are never stored. */
    uploads: {
      begin: ({ ref }) => ref.key,
      part: ({ upload }, request) => never(upload, request),
      complete: () => ({ ref: { bucket: "any", key: "any" }, etag: '"odd"', size: 0 }),
      abort: () => undefined,
    },
  });
}

/** What `heeds` gives up when the signal aborts. */
function never(key: string, { signal }: ProviderRequest<unknown>): Promise<never> {
  return new Promise((_, reject) => {
    if (key !== "heeds") return;
    signal.addEventListener("abort", () => reject(new ConnectError("gave up", Code.Aborted)), { once: true });
  });
}
