// Headers of the requests to a worker, apart from the upstream's own.
import type { HeaderList } from "../grpc/metadata.ts";

/** Compression between bridge and worker would cost both CPU; the real edge compresses unasked unless told not to. */
const PLAIN: HeaderList = ["accept-encoding", "identity"];

const VERSION: HeaderList = ["connect-protocol-version", "1"];

/** A unary Connect call. */
export const UNARY_HEADERS: HeaderList = ["content-type", "application/proto", ...VERSION, ...PLAIN];

/** A streaming Connect call. */
export const STREAM_HEADERS: HeaderList = [
  ...["content-type", "application/connect+proto", "connect-accept-encoding", "identity"],
  ...VERSION,
  ...PLAIN,
];

/** A raw body, such as one part of an object. */
export const RAW_HEADERS: HeaderList = ["content-type", "application/octet-stream", ...PLAIN];

/** The upgrade that stands for a streaming call both ways. */
export const BIDI_HEADERS: HeaderList = [...VERSION, ...PLAIN];
