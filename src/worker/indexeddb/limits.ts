// Sizes of what callers may send to a database, each with its unit and reason. A message as a whole is at most
// MAX_MESSAGE_BYTES.

/**
 * Longest key, in bytes as encoded: a primary key, an index key with all its fields, a bound. W3C sets none. Far above
 * any sensible key, and far enough below what storage takes (2 MB in a row of a Durable Object) that two of them fit
 * beside each other.
 */
export const MAX_KEY_BYTES = 64 * 1024;

/**
 * Longest name of a store or an index, in UTF-16 units. Ours: long enough for any, short enough to stand in an error.
 */
export const MAX_NAME_LENGTH = 256;

/** Indexes of one store. Each is written with every record; MongoDB allows as many, SQLite providers fewer. */
export const MAX_INDEXES = 64;

/**
 * Fields of one index key; what MongoDB and SQL databases allow is 16 to 32. Two bits each are kept beside a key, see
 * `IndexKey.kinds`.
 */
export const MAX_INDEX_FIELDS = 16;

/**
 * Declared fields of one store. No database here makes use of them; they are kept, and must fit into a row of storage.
 */
export const MAX_COLUMNS = 256;

/** Longest way to an indexed field, and longest name of a declared one, in UTF-16 units: `a.b.c`. */
export const MAX_KEY_PATH_LENGTH = 1_024;

/** Stores one transaction may name. A lock is held on each. */
export const MAX_TRANSACTION_STORES = 256;

/** How deep arrays may nest in a key. Nothing that gestaltd sends nests at all. */
export const MAX_KEY_DEPTH = 16;
