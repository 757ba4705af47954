// Databases on Durable Objects, as an operator's project has them.
import { durableObjectIndexedDB } from "../../../src/providers/indexeddb-durable-object/index.ts";
import { serve } from "../../../src/worker/index.ts";

export { IndexedDBObject } from "../../../src/providers/indexeddb-durable-object/index.ts";

export default serve({ db: durableObjectIndexedDB() });
