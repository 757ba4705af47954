// An object store by way of gestaltd: large streams, ranges, conditions, listings, copies, URLs.
import { type S3, S3PreconditionFailedError } from "gestalt-edge";

const MEBIBYTE = 1024 * 1024;

export async function useStore(s3: S3, mebibytes: number) {
  const large = s3.object("blobs", "large/zeroes.bin");
  const { size } = await large.write(zeroes(mebibytes), { contentType: "application/octet-stream" });
  let read = 0;
  for await (const chunk of await large.stream()) read += chunk.byteLength;
  const range = await large.bytes({ range: { start: 5, end: 9 } });

  const small = s3.object("blobs", "small/a.json");
  await small.writeJSON({ a: 1 }, { metadata: { origin: "edge" } });
  await s3.copy({ bucket: "blobs", key: "small/a.json" }, { bucket: "blobs", key: "small/b.json" });
  const again = await small.writeString("{}", { ifNoneMatch: "*" }).catch((error: unknown) => error);
  const { metadata } = await small.stat();
  const listed: string[] = [];
  for await (const { ref } of s3.list("blobs", { prefix: "small/" })) listed.push(ref.key);
  const { url, headers } = await s3.object("blobs", "small/b.json").presign({ expiresSeconds: 60 });
  await large.delete();
  return {
    ...{ size, read, range: range.byteLength, origin: metadata?.origin, listed, url, headers },
    refused: again instanceof S3PreconditionFailedError,
    gone: !(await large.exists()),
  };
}

function zeroes(mebibytes: number): ReadableStream<Uint8Array> {
  let left = mebibytes;
  return new ReadableStream({
    pull(controller) {
      if (left-- > 0) controller.enqueue(new Uint8Array(MEBIBYTE));
      else controller.close();
    },
  });
}
