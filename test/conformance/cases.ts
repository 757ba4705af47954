// The matrix: what every peer has to answer alike, whatever protocol, codec or compression carries the call. Categories are
// those of the official runner, as far as they do not depend on a protocol; grpc-wire, connect-wire and upstream tests
// hold the rest.
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { MAX_MESSAGE_BYTES } from "../../src/wire/limits.ts";
import type { Call, Request } from "./call.ts";
import { HeaderSchema, type Code as WireCode } from "./gen/connectrpc/conformance/v1/service_pb.ts";

export interface Case {
  readonly category: string;
  readonly name: string;
  readonly request: Request;
  readonly call?: Call;
  readonly expect: Expectation;
  /** The only peers with which the case means something; all when left out. */
  readonly only?: "bridge" | "worker" | "binary";
}

/** What is left out is not compared, but for the code: it is `ok` then, and `data` is empty. */
export interface Expectation {
  readonly code?: Code;
  readonly message?: string | RegExp;
  readonly details?: readonly { readonly type: string; readonly value: Uint8Array }[];
  /** By name: all values in order. Those of `-bin` names are base64 without padding. */
  readonly headers?: Values;
  readonly trailers?: Values;
  readonly data?: readonly Uint8Array[];
  /** Headers of the request as the worker saw them. */
  readonly seenHeaders?: Values;
  /** Most the worker may have seen left of the deadline, in milliseconds; `none` when it must not have seen one. */
  readonly seenTimeout?: number | "none";
}

type Values = Readonly<Record<string, readonly string[]>>;

const text = (value: string) => new TextEncoder().encode(value);
const header = (name: string, ...value: string[]) => ({ name, value });
const wireCode = (code: Code) => code as number as WireCode;

const HEADERS = [header("x-answer", "one"), header("x-answer-more", "two", "three")];
const TRAILERS = [header("x-after", "four"), header("x-after-more", "five", "six")];
const METADATA = { responseHeaders: HEADERS, responseTrailers: TRAILERS };
const EXPECTED_METADATA = {
  headers: { "x-answer": ["one"], "x-answer-more": ["two", "three"] },
  trailers: { "x-after": ["four"], "x-after-more": ["five", "six"] },
};

/** Bytes 0 to 255, and 0 to 2: one base64 text needs padding, the other does not. */
const BINARY = ["AAEC", Buffer.from(Array.from({ length: 256 }, (_, i) => i)).toString("base64")] as const;
const UNPADDED = BINARY.map((value) => value.replace(/=+$/, ""));

const DETAIL = anyPack(HeaderSchema, { $typeName: HeaderSchema.typeName, name: "why", value: ["because"] });
const EXPECTED_DETAIL = { type: HeaderSchema.typeName, value: DETAIL.value };

/** Longer than any test takes, in milliseconds: a deadline that must not pass, a delay that must not end. */
const LONG_MS = 60_000;
/** A deadline that passes, in milliseconds. */
const SHORT_MS = 150;

const basic: readonly Case[] = [
  {
    category: "basic",
    name: "unary",
    request: { rpc: "unary", definition: { ...METADATA, response: { case: "responseData", value: text("hello") } } },
    expect: { ...EXPECTED_METADATA, data: [text("hello")], seenTimeout: "none" },
  },
  {
    category: "basic",
    name: "unary without a definition",
    request: { rpc: "unary" },
    expect: { data: [text("")] },
  },
  {
    category: "basic",
    name: "unary without side effects",
    request: {
      rpc: "idempotentUnary",
      definition: { ...METADATA, response: { case: "responseData", value: text("hi") } },
    },
    expect: { ...EXPECTED_METADATA, data: [text("hi")] },
  },
  {
    category: "basic",
    name: "server stream",
    request: { rpc: "serverStream", definition: { ...METADATA, responseData: ["a", "b", "c"].map(text) } },
    expect: { ...EXPECTED_METADATA, data: ["a", "b", "c"].map(text) },
  },
  {
    category: "basic",
    name: "server stream with pauses",
    request: { rpc: "serverStream", definition: { responseDelayMs: 20, responseData: ["a", "b"].map(text) } },
    expect: { data: ["a", "b"].map(text) },
  },
  {
    category: "basic",
    name: "server stream of a thousand",
    request: {
      rpc: "serverStream",
      definition: { responseData: Array.from({ length: 1000 }, (_, i) => text(`${i}`)) },
    },
    expect: { data: Array.from({ length: 1000 }, (_, i) => text(`${i}`)) },
  },
  {
    category: "basic",
    name: "unimplemented",
    request: { rpc: "unimplemented" },
    expect: { code: Code.Unimplemented },
  },
];

const empty: readonly Case[] = [
  {
    category: "empty messages",
    name: "server stream without messages",
    request: { rpc: "serverStream", definition: METADATA },
    expect: EXPECTED_METADATA,
  },
  {
    category: "empty messages",
    name: "server stream for an empty request",
    request: { rpc: "serverStream" },
    expect: {},
  },
  {
    category: "empty messages",
    name: "server stream of empty data",
    request: { rpc: "serverStream", definition: { responseData: [text(""), text("")] } },
    expect: { data: [text(""), text("")] },
  },
];

const codes = Object.values(Code).filter((code): code is Code => typeof code === "number");

const errors: readonly Case[] = [
  ...codes.flatMap((code): Case[] => [
    {
      category: "errors",
      name: `unary ${Code[code]}`,
      request: {
        rpc: "unary",
        definition: { response: { case: "error", value: { code: wireCode(code), message: `this is ${code}` } } },
      },
      expect: { code, message: `this is ${code}` },
    },
    {
      category: "errors",
      name: `server stream ${Code[code]}`,
      request: { rpc: "serverStream", definition: { error: { code: wireCode(code), message: `this is ${code}` } } },
      expect: { code, message: `this is ${code}` },
    },
  ]),
  ...(["unary", "serverStream"] as const).map((rpc): Case => {
    const error = { code: wireCode(Code.FailedPrecondition), message: "with all there is", details: [DETAIL, DETAIL] };
    const expect = {
      ...EXPECTED_METADATA,
      code: Code.FailedPrecondition,
      message: "with all there is",
      details: [EXPECTED_DETAIL, EXPECTED_DETAIL],
    };
    const request: Request =
      rpc === "unary"
        ? { rpc, definition: { ...METADATA, response: { case: "error", value: error } } }
        : { rpc, definition: { ...METADATA, error } };
    return { category: "errors", name: `${rpc} with metadata and details`, request, expect };
  }),
  ...["größer als ∑ – 日本語 🎉", 'a "quoted"\ttab, 50 % off\r\nand a new line', ""].map(
    (message): Case => ({
      category: "errors",
      name: `message ${JSON.stringify(message)}`,
      request: {
        rpc: "unary",
        definition: { response: { case: "error", value: { code: wireCode(Code.Internal), message } } },
      },
      expect: { code: Code.Internal, message },
    }),
  ),
  {
    category: "errors",
    name: "server stream after answers",
    request: {
      rpc: "serverStream",
      definition: {
        ...METADATA,
        responseData: ["a", "b"].map(text),
        error: { code: wireCode(Code.Aborted), message: "enough", details: [DETAIL] },
      },
    },
    expect: {
      ...EXPECTED_METADATA,
      code: Code.Aborted,
      message: "enough",
      details: [EXPECTED_DETAIL],
      data: ["a", "b"].map(text),
    },
  },
];

const deadlines: readonly Case[] = [
  {
    category: "deadlines",
    name: "unary learns of its deadline",
    request: { rpc: "unary", definition: {} },
    call: { timeoutMs: LONG_MS },
    expect: { data: [text("")], seenTimeout: LONG_MS },
  },
  {
    category: "deadlines",
    name: "server stream learns of its deadline",
    request: { rpc: "serverStream", definition: { responseData: [text("a")] } },
    call: { timeoutMs: LONG_MS },
    expect: { data: [text("a")], seenTimeout: LONG_MS },
  },
  {
    category: "deadlines",
    name: "unary past its deadline",
    request: { rpc: "unary", definition: { responseDelayMs: LONG_MS } },
    call: { timeoutMs: SHORT_MS },
    expect: { code: Code.DeadlineExceeded },
  },
  {
    category: "deadlines",
    name: "server stream past its deadline before an answer",
    request: { rpc: "serverStream", definition: { responseDelayMs: LONG_MS, responseData: [text("a")] } },
    call: { timeoutMs: SHORT_MS },
    expect: { code: Code.DeadlineExceeded },
  },
];

const SENT = [
  ["x-asked", "one"],
  ["x-asked-more", "two"],
  ["x-asked-more", "three"],
  ["x-asked-bin", UNPADDED[0] ?? ""],
  ["x-asked-bin", UNPADDED[1] ?? ""],
] as const;
const EXPECTED_SENT = { "x-asked": ["one"], "x-asked-more": ["two", "three"], "x-asked-bin": UNPADDED };

const BINARY_METADATA = {
  responseHeaders: [header("x-answer-bin", ...BINARY)],
  responseTrailers: [header("x-after-bin", ...BINARY)],
};
const EXPECTED_BINARY = { headers: { "x-answer-bin": UNPADDED }, trailers: { "x-after-bin": UNPADDED } };

const metadata: readonly Case[] = [
  {
    category: "metadata",
    name: "unary, asked and answered, with duplicates",
    request: { rpc: "unary", definition: { ...METADATA, response: { case: "responseData", value: text("a") } } },
    call: { headers: SENT },
    expect: { ...EXPECTED_METADATA, seenHeaders: EXPECTED_SENT, data: [text("a")] },
  },
  {
    category: "metadata",
    name: "server stream, asked and answered, with duplicates",
    request: { rpc: "serverStream", definition: { ...METADATA, responseData: [text("a")] } },
    call: { headers: SENT },
    expect: { ...EXPECTED_METADATA, seenHeaders: EXPECTED_SENT, data: [text("a")] },
  },
  {
    category: "metadata",
    name: "unary error, with duplicates",
    request: {
      rpc: "unary",
      definition: { ...METADATA, response: { case: "error", value: { code: wireCode(Code.Aborted) } } },
    },
    call: { headers: SENT },
    expect: { ...EXPECTED_METADATA, seenHeaders: EXPECTED_SENT, code: Code.Aborted },
  },
  {
    category: "metadata",
    name: "unary, binary",
    request: { rpc: "unary", definition: { ...BINARY_METADATA, response: { case: "responseData", value: text("a") } } },
    expect: { ...EXPECTED_BINARY, data: [text("a")] },
  },
  {
    category: "metadata",
    name: "server stream, binary",
    request: { rpc: "serverStream", definition: { ...BINARY_METADATA, responseData: [text("a")] } },
    expect: { ...EXPECTED_BINARY, data: [text("a")] },
  },
  {
    category: "metadata",
    name: "of 8 KiB",
    request: { rpc: "unary", definition: { responseHeaders: [header("x-answer", "v".repeat(8192))] } },
    call: { headers: [["x-asked", "v".repeat(8192)]] },
    expect: {
      headers: { "x-answer": ["v".repeat(8192)] },
      seenHeaders: { "x-asked": ["v".repeat(8192)] },
      data: [text("")],
    },
  },
];

const sizes: readonly Case[] = [
  {
    category: "sizes",
    name: "request of the limit",
    // JSON grows bytes by a third.
    only: "binary",
    // The padding's tag and its length in four bytes.
    request: { rpc: "serverStream", padding: MAX_MESSAGE_BYTES - 5 },
    expect: {},
  },
  {
    category: "sizes",
    name: "unary request over the limit",
    // workerd closes the connection on a body that was not read to its end, and Node then reports the broken write.
    only: "bridge",
    request: { rpc: "unary", padding: MAX_MESSAGE_BYTES + 1 },
    expect: { code: Code.ResourceExhausted },
  },
  {
    category: "sizes",
    name: "server stream's request over the limit",
    only: "bridge",
    request: { rpc: "serverStream", padding: MAX_MESSAGE_BYTES + 1 },
    expect: { code: Code.ResourceExhausted },
  },
  {
    category: "sizes",
    name: "unary answer over the limit",
    // An answer repeats its data and the request with it.
    request: {
      rpc: "unary",
      definition: { response: { case: "responseData", value: new Uint8Array(MAX_MESSAGE_BYTES / 2) } },
    },
    expect: { code: Code.ResourceExhausted },
  },
  {
    category: "sizes",
    name: "server stream's second answer of 3 MiB",
    only: "binary",
    request: { rpc: "serverStream", definition: { responseData: [text("a"), new Uint8Array(3 * 1024 * 1024)] } },
    expect: { data: [text("a"), new Uint8Array(3 * 1024 * 1024)] },
  },
  {
    category: "sizes",
    name: "server stream's answer over the limit",
    request: { rpc: "serverStream", definition: { responseData: [new Uint8Array(MAX_MESSAGE_BYTES / 2)] } },
    expect: { code: Code.ResourceExhausted },
  },
];

/** The bridge has its own way for the one client stream of the protocol, S3.WriteObject (DESIGN §6). */
const clientStreams: readonly Case[] = [
  {
    category: "client streams",
    name: "of three messages",
    only: "worker",
    request: {
      rpc: "clientStream",
      definition: { ...METADATA, response: { case: "responseData", value: text("all") } },
      paddings: [0, 1, 100_000],
    },
    call: { timeoutMs: LONG_MS },
    expect: { ...EXPECTED_METADATA, data: [text("all")], seenTimeout: LONG_MS },
  },
  {
    category: "client streams",
    name: "of none",
    only: "worker",
    request: { rpc: "clientStream", paddings: [] },
    expect: { data: [text("")] },
  },
  {
    category: "client streams",
    name: "answered with an error",
    only: "worker",
    request: {
      rpc: "clientStream",
      definition: { ...METADATA, response: { case: "error", value: { code: wireCode(Code.Aborted), message: "no" } } },
      paddings: [0, 0],
    },
    expect: { ...EXPECTED_METADATA, code: Code.Aborted, message: "no" },
  },
  {
    category: "client streams",
    name: "past their deadline",
    only: "worker",
    request: { rpc: "clientStream", definition: { responseDelayMs: LONG_MS }, paddings: [0] },
    call: { timeoutMs: SHORT_MS },
    expect: { code: Code.DeadlineExceeded },
  },
  {
    category: "client streams",
    name: "refused by the bridge",
    only: "bridge",
    request: { rpc: "clientStream", paddings: [0] },
    expect: { code: Code.Unimplemented, message: /client-streaming/ },
  },
];

export const cases: readonly Case[] = [
  ...[...basic, ...empty, ...errors, ...deadlines, ...metadata, ...sizes],
  ...clientStreams,
];
