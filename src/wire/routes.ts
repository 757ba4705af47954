// Paths of a worker that are no Connect method, and the headers that go with them.

/** The public liveness probe. Says that the worker runs, nothing about what it serves. */
export const HEALTH_PATH = "/healthz";

/**
 * Takes one part of a large object as a raw body (`POST`, `content-length` required, session token required) and answers
 * the part's etag in {@link UPLOAD_PART_ETAG_HEADER}. Raw, so that neither side holds a decoded copy.
 */
export const UPLOAD_PART_PATH = "/gestalt.edge.v1.UploadService/Part";

/** The handle that `UploadService.Begin` returned. */
export const UPLOAD_HEADER = "gestalt-upload";

/** Number of the part, from 1. */
export const UPLOAD_PART_NUMBER_HEADER = "gestalt-upload-part";

/** Etag of a stored part, on the answer. */
export const UPLOAD_PART_ETAG_HEADER = "gestalt-upload-etag";

/** `/objects/<provider>/…`: what a provider serves to the public by its own signature, presigned objects for one. */
export const PUBLIC_OBJECTS_PREFIX = "/objects/";
