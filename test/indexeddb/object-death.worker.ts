// Databases whose objects can be made to end in the middle of a call: once what was asked is done, and before it is answered.
import { durableObjectIndexedDB, IndexedDBObject } from "../../src/providers/indexeddb-durable-object/index.ts";
import { serve } from "../../src/worker/index.ts";

interface Env {
  readonly INDEXEDDB_OBJECT: DurableObjectNamespace<MortalObject>;
}

/** How often each method was called. */
let calls: Record<string, number> = {};
let dying = false;

export class MortalObject extends IndexedDBObject {
  /** Forgets the calls so far. The next call of any method is the object's last, and is not answered. */
  dieNext(): void {
    calls = {};
    dying = true;
  }

  calls(): Record<string, number> {
    return calls;
  }

  die(): void {
    this.ctx.abort("the test wanted it");
  }

  /** Called with each of the object's methods that the provider calls. */
  async mortally(name: string, work: () => unknown): Promise<unknown> {
    calls[name] = (calls[name] ?? 0) + 1;
    const result = await work();
    if (!dying) return result;
    dying = false;
    // On disk by then; an object that is aborted takes what is not along.
    await this.ctx.storage.sync();
    this.die();
    return undefined;
  }
}

const METHODS = [
  "createObjectStore",
  "deleteObjectStore",
  "get",
  "add",
  "put",
  "getAll",
  "getAllKeys",
  "count",
  "delete",
  "openCursor",
  "transaction",
];

for (const name of METHODS) {
  const method: (...args: unknown[]) => unknown = Reflect.get(IndexedDBObject.prototype, name);
  Reflect.set(MortalObject.prototype, name, function (this: MortalObject, ...args: unknown[]) {
    return this.mortally(name, () => method.apply(this, args));
  });
}

const app = serve({ db: durableObjectIndexedDB() });

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    const object = env.INDEXEDDB_OBJECT.getByName("indexeddb");
    switch (new URL(request.url).pathname) {
      case "/test/die":
        return Response.json(await object.die().catch(() => null));
      case "/test/die-next":
        return Response.json((await object.dieNext()) ?? null);
      case "/test/calls":
        return Response.json(await object.calls());
      default:
        return app.fetch(request, env, context);
    }
  },
};
