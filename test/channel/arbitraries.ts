// Every frame there can be, for property tests.
import fc from "fast-check";
import type { Frame } from "../../src/wire/channel/frames.ts";
import { CHUNK_BYTES, MAX_TIMEOUT_MS } from "../../src/wire/channel/limits.ts";
import type { GrpcCode } from "../../src/wire/codes.ts";
import { MAX_MESSAGE_BYTES } from "../../src/wire/limits.ts";

const id = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }));
const whole = fc.oneof(fc.nat(), fc.maxSafeNat());
const text = fc.string({ unit: "binary", maxLength: 60 });
const metadata = fc.array(fc.tuple(text, text), { maxLength: 6 }).map((pairs) => pairs.flat());
const bytes = fc.uint8Array({ maxLength: 300 });

/** A message that is whole in its frame, or, seldom, the beginning of a large one. */
const message = fc.oneof(
  { weight: 9, arbitrary: bytes.map((chunk) => ({ size: chunk.length, chunk })) },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: CHUNK_BYTES, max: MAX_MESSAGE_BYTES })
      .map((size) => ({ size, chunk: new Uint8Array(CHUNK_BYTES).fill(size) })),
  },
);

export const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ type: fc.constant("hello"), version: whole, incarnation: whole }),
  fc.record({
    type: fc.constant("open"),
    id,
    service: text,
    path: text,
    streaming: fc.constantFrom("unary", "client", "server", "bidi"),
    timeoutMs: fc.option(fc.integer({ min: 1, max: MAX_TIMEOUT_MS }), { nil: undefined }),
    metadata,
  }),
  fc.tuple(id, message).map(([id, rest]) => ({ type: "message" as const, id, ...rest })),
  fc.record({ type: fc.constant("more"), id, chunk: bytes }),
  fc.record({ type: fc.constant("half-close"), id }),
  fc.record({
    type: fc.constant("status"),
    id,
    code: fc.integer({ min: 0, max: 16 }).map((code) => code as GrpcCode),
    message: text,
    metadata,
  }),
  fc.record({ type: fc.constant("cancel"), id }),
  fc.record({ type: fc.constant("credit"), id: fc.oneof(fc.constant(0), id), bytes: whole }),
  fc.record({ type: fc.constantFrom("ping", "pong"), token: whole }),
  fc.record({ type: fc.constant("leave"), why: fc.constantFrom("superseded", "shutdown") }),
) as fc.Arbitrary<Frame>;
