// An object store of the required handlers alone, as an author might write a first one: for the defaults.
import {
  defineS3Provider,
  failedCondition,
  type Provider,
  resolveRange,
  type S3Meta,
  S3NotFoundError,
  S3PreconditionFailedError,
} from "../../src/worker/index.ts";

interface Stored {
  readonly meta: S3Meta;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export function memoryStore(): Provider {
  const objects = new Map<string, Stored>();
  const stored = ({ bucket, key }: { bucket: string; key: string }): Stored => {
    const object = objects.get(`${bucket}/${key}`);
    if (object === undefined) throw new S3NotFoundError(`no ${key}`);
    return object;
  };
  return defineS3Provider({
    headObject: ({ ref }) => stored(ref).meta,
    readObject({ ref, range, ...conditions }) {
      const { meta, bytes } = stored(ref);
      const failed = failedCondition(meta, conditions);
      if (failed !== undefined) throw new S3PreconditionFailedError(failed);
      const { offset, length } = resolveRange(range, meta.size);
      // No `type: "bytes"`, and in small odd pieces, so that frames have to be joined.
      return { meta, body: inPieces(bytes.subarray(offset, offset + length), 100_003) };
    },
    async writeObject({ ref, contentType, metadata, body }) {
      const bytes = new Uint8Array(await new Response(body).arrayBuffer());
      const meta = {
        ref,
        contentType,
        metadata,
        etag: `"${bytes.length}"`,
        size: bytes.length,
        lastModified: new Date(),
      };
      objects.set(`${ref.bucket}/${ref.key}`, { meta, bytes });
      return meta;
    },
    deleteObject: ({ ref }) => void objects.delete(`${ref.bucket}/${ref.key}`),
    listObjects: () => ({ objects: [...objects.values()].map(({ meta }) => meta) }),
  });
}

function inPieces(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, at + size));
      at += size;
    },
  });
}
