// Sizes that hold for every authorization provider. All are ours: the protocol and gestaltd set none but the 4 MiB of a message.

/** Longest name of a type, relation or action, in bytes of UTF-8. Far above any sensible name. */
export const MAX_NAME_BYTES = 256;

/**
 * Longest id of a subject or resource, in bytes of UTF-8. gestaltd's longest are external identities: a type and an id of a foreign
 * system. Long enough for a URL, short enough for keys of a database.
 */
export const MAX_ID_BYTES = 2048;

/** Properties of one relationship, as JSON in bytes of UTF-8: its own, its subject's and its resource's together. */
export const MAX_PROPERTIES_BYTES = 64 * 1024;

/** A model, as JSON in bytes of UTF-8. gestaltd's has a few lines for each role; a database row takes 2 MB. */
export const MAX_MODEL_BYTES = 1024 * 1024;

/** Questions in one EvaluateMany. gestaltd asks one for each role; the decisions on so many still fit into an answer. */
export const MAX_EVALUATIONS = 10_000;

/** Entries in a page when the caller does not say. */
export const DEFAULT_PAGE_SIZE = 100;

/** Most entries in a page; gestaltd asks for 500. */
export const MAX_PAGE_SIZE = 1000;

/**
 * Longest page token, in characters. The longest of ours holds two ids and three names, which as JSON and base64 become eight
 * characters for a byte at worst; with room for a provider's own ways.
 */
export const MAX_PAGE_TOKEN_LENGTH = 64 * 1024;
