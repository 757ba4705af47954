// Providers that go on after their answer, in a worker that tells what still keeps it alive.
import { defineCacheProvider, serve } from "../../src/worker/index.ts";
import type { WaitUntil } from "../../src/worker/serving/worker-call.ts";

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

let looked = 0;

const cache = defineCacheProvider({
  get: ({ key }, request) => {
    request.waitUntil(
      pause(5).then(() => {
        if (key === "fails") throw new Error("it did not work out");
        looked += request.signal.aborted ? 0 : 1;
      }),
    );
    return null;
  },
  set: () => undefined,
  delete: () => false,
  touch: () => false,
});

const worker = serve({ cache });
let waiting = 0;

export default {
  async fetch(request: Request, bindings: unknown, context: WaitUntil): Promise<Response> {
    if (new URL(request.url).pathname === "/waiting") return Response.json({ waiting, looked });
    return worker.fetch(request, bindings, {
      waitUntil(promise) {
        waiting += 1;
        const done = () => {
          waiting -= 1;
        };
        promise.then(done, done);
        context.waitUntil(promise);
      },
    });
  },
};
