// Paths of a worker that are no Connect method, and the headers that go with them.

/** The public liveness probe. Says that the worker runs, nothing about what it serves. */
export const HEALTH_PATH = "/healthz";

/**
 * Takes one part of a large object as a raw body (`POST`, `content-length` required, session token required) and answers
 * the part's etag in {@link UPLOAD_PART_ETAG_HEADER}. Raw, so that neither side holds a decoded copy.
 */
export const UPLOAD_PART_PATH = "/gestalt.edge.v1.UploadService/Part";

/**
 * On a 401 that refuses the session token itself, and on no other: a provider's UNAUTHENTICATED is about whoever asked gestaltd, this
 * one about the bridge.
 */
export const SESSION_REFUSED_HEADER = "gestalt-session-refused";

/** The handle that `UploadService.Begin` returned. */
export const UPLOAD_HEADER = "gestalt-upload";

/** Number of the part, from 1. */
export const UPLOAD_PART_NUMBER_HEADER = "gestalt-upload-part";

/** Etag of a stored part, on the answer. */
export const UPLOAD_PART_ETAG_HEADER = "gestalt-upload-etag";

/**
 * Answers an `S3.ReadObject` request (`POST`, a binary `ReadObjectRequest`, session token required) with the object's bytes as
 * the raw body and its `S3ObjectMeta`, binary in base64, in {@link OBJECT_META_HEADER}. Raw, so that the bytes never pass
 * through the worker's own code: the platform bills and limits what does. Errors are those of a unary Connect call; one that
 * comes up later breaks the body off.
 */
export const OBJECT_READ_PATH = "/gestalt.edge.v1.ObjectService/Read";

/** Description of the object whose bytes follow. */
export const OBJECT_META_HEADER = "gestalt-object-meta";

/** `/objects/<provider>/…`: what a provider serves to the public by its own signature, presigned objects for one. */
export const PUBLIC_OBJECTS_PREFIX = "/objects/";

/**
 * Opens the session's channel: a WebSocket upgrade with the session token. The worker hands it to the Durable Object of that
 * session (`HostChannel`); docs/channel.md says what is spoken on it. 404 when the worker has no such object, see `CHANNEL_BINDING`.
 */
export const CHANNEL_PATH = "/gestalt.edge.v1.ChannelService/Connect";

/** `IndexedDB.OpenCursor` as a WebSocket: the method's own path, upgraded. indexeddb-socket.ts says what is spoken. */
export const OPEN_CURSOR_PATH = "/gestalt.provider.v1.IndexedDB/OpenCursor";

/** `IndexedDB.Transaction` likewise. */
export const TRANSACTION_PATH = "/gestalt.provider.v1.IndexedDB/Transaction";
