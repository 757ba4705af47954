// An object's body as a web stream, whatever the author gave.
import type { S3Body } from "./objects.ts";

/** The body itself where it is a stream already, so that the platform can move its bytes; an empty stream for null. */
export function streamOf(body: S3Body | null): ReadableStream<Uint8Array> {
  if (body instanceof ReadableStream) return body;
  const chunks = body?.[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const next = await chunks?.next();
      if (next === undefined || next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel() {
      await chunks?.return?.();
    },
  });
}
