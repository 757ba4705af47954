// Databases in memory, kept on the disk of one Durable Object. What lies in memory must be in one place, so the provider
// runs in the object, and the worker passes everything on to it.
import { DurableObject } from "cloudflare:workers";
import { serve } from "gestalt-edge";
import { Disk } from "./disk.ts";
import { smallDatabases } from "./provider.ts";

interface Env {
  readonly DATABASES: DurableObjectNamespace<Databases>;
}

export class Databases extends DurableObject<Env> {
  readonly #app = serve({ small: smallDatabases(new Disk(this.ctx.storage)) });

  override fetch(request: Request): Promise<Response> {
    return this.#app.fetch(request, this.env, this.ctx);
  }
}

export default { fetch: (request: Request, env: Env) => env.DATABASES.getByName("all").fetch(request) };
