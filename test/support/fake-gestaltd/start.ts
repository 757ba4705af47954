// A fake gestaltd and a client of ours for one test: connections that outlive the client fail it.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { createHostClient, type HostClient, type HostClientOptions } from "../../../src/bridge/host/client.ts";
import type { HostService } from "../../../src/bridge/host/host-service.ts";
import { offeredServices } from "../../../src/bridge/host/offered.ts";
import { FakeGestaltd, type FakeGestaltdOptions, type Offer } from "./fake-gestaltd.ts";

export async function startFakeGestaltd(t: TestContext, options?: FakeGestaltdOptions): Promise<FakeGestaltd> {
  const gestaltd = await new FakeGestaltd(options).start();
  t.after(() => gestaltd.stop());
  return gestaltd;
}

/** Closed when the test ends, before the gestaltd that was started before it. */
export function startHostClient(t: TestContext, gestaltd: FakeGestaltd, options?: HostClientOptions): HostClient {
  const client = createHostClient(options);
  t.after(async () => {
    await client.close();
    await until(() => gestaltd.connections === 0, "the client left a connection open");
  });
  return client;
}

/** What a session is offered, read from the environment as the bridge reads it. */
export async function offered(
  gestaltd: FakeGestaltd,
  offer: Partial<Offer> & Pick<Offer, "via" | "hosts">,
): Promise<(name: string) => HostService> {
  const env = await gestaltd.offer({ plugin: "search", session: "session-1", ...offer });
  return servicesOf(env);
}

export function servicesOf(env: Readonly<Record<string, string>>): (name: string) => HostService {
  const services = offeredServices(env);
  return (name) => {
    const service = services.get(name);
    assert.ok(service, `${name} is not offered`);
    return service;
  };
}

const PATIENCE_MS = 10_000;

/** Waits for a condition that nothing tells of. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!condition()) {
    if (Date.now() > end) assert.fail(what);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
