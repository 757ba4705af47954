// The worker under test: the object store on R2, one made of the required handlers alone, and one that misbehaves. A layer
// over one R2 binding counts its operations and injects faults.
import { Code, ConnectError } from "@connectrpc/connect";
import { r2ObjectStore } from "../../src/providers/s3-r2/index.ts";
import { type BackoffSources, serve } from "../../src/worker/index.ts";
import { connectionLimit } from "../support/connection-limit.worker.ts";
import { FaultyR2, type R2Faults } from "./faulty-r2.worker.ts";
import { memoryStore } from "./memory-store.worker.ts";
import { oddState, oddStore } from "./odd-store.worker.ts";

interface Env {
  readonly FILES: R2Bucket;
  readonly OTHER: R2Bucket;
}

let pauses: number[] = [];
const backoff: BackoffSources = {
  random: () => 0.5,
  async sleep(milliseconds) {
    pauses.push(milliseconds);
  },
};

const faulty = new FaultyR2();

const edge = serve({
  r2: r2ObjectStore({
    backoff,
    buckets: { files: "FILES", other: { binding: "OTHER", name: "other" }, faulty: "FAULTY" },
  }),
  second: r2ObjectStore({ backoff }),
  memory: memoryStore(),
  odd: oddStore(),
});

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith("/test/")) {
      const limited = connectionLimit();
      const buckets = { FILES: limited(env.FILES), OTHER: limited(env.OTHER), FAULTY: limited(faulty.over(env.FILES)) };
      return edge.fetch(request, { ...env, ...buckets }, context);
    }
    switch (pathname.slice("/test/".length)) {
      case "faults":
        pauses = [];
        faulty.reset((await request.json()) as R2Faults);
        return Response.json(null);
      case "report":
        return Response.json({ operations: faulty.operations, pauses });
      case "fill":
        await fill(env.OTHER, (await request.json()) as Filling);
        return Response.json(null);
      case "odd":
        return Response.json(oddState());
      default:
        throw new ConnectError(`no control at ${pathname}`, Code.NotFound);
    }
  },
};

/** Objects without bytes, put from inside because a thousand calls from outside take ten times as long. */
interface Filling {
  readonly keys: readonly string[];
  readonly metadata: Record<string, string>;
  readonly contentType: string;
}

async function fill(bucket: R2Bucket, { keys, metadata, contentType }: Filling): Promise<void> {
  const options = { customMetadata: metadata, httpMetadata: { contentType } };
  await Promise.all(keys.map((key) => bucket.put(key, "", options)));
}
