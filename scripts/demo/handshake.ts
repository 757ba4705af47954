// gestaltd's handshake with a provider process: identity, configure, identity again.
import type { JsonObject } from "@bufbuild/protobuf";
import {
  type ProviderKind,
  ProviderKindSchema,
  ProviderLifecycle,
} from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { PROTOCOL_VERSION } from "../../src/wire/limits.ts";
import type { BridgeProcess } from "./bridge-process.ts";
import { expect, outcome, type Report } from "./report.ts";

export async function handshake(
  report: Report,
  bridge: BridgeProcess,
  expected: { readonly kind: ProviderKind; readonly name: string; readonly config: JsonObject },
): Promise<void> {
  const lifecycle = bridge.client(ProviderLifecycle);
  await report.step("identity, before anything is configured", async () => {
    const { kind } = await lifecycle.getProviderIdentity({});
    expect(kind === expected.kind, `the bridge says it is of kind ${nameOf(kind)}`);
    return outcome(`kind ${nameOf(kind)}`);
  });
  await report.step("configure", async () => {
    const { name, config } = expected;
    const answer = await lifecycle.configureProvider({ name, config, protocolVersion: PROTOCOL_VERSION });
    expect(answer.protocolVersion === PROTOCOL_VERSION, "the bridge did not echo the protocol version");
    return outcome(`protocol ${answer.protocolVersion}`);
  });
  await report.step("identity, configured", async () => {
    const { displayName, version } = await lifecycle.getProviderIdentity({});
    return outcome([displayName, version].filter(Boolean).join(" "));
  });
}

function nameOf(kind: ProviderKind): string {
  return ProviderKindSchema.value[kind]?.localName.toLowerCase() ?? String(kind);
}
