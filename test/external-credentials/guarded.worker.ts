// The worker under test with the `fetch` that `gestalt-edge deploy --guard-egress` gives it.
import { guardedFetch } from "../../src/worker/egress/guarded-fetch.ts";

export { default, TestCredentialsObject } from "./credentials.worker.ts";

globalThis.fetch = guardedFetch(globalThis.fetch.bind(globalThis));
