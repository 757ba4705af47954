// How much of a trace comes from a worker or its callers, at most: neither must fill the operator's backend by mistake.

/** Spans of one request that are taken: what the SDK exports at once. */
export const MAX_SPANS = 512;

/** Attributes of one span, and items of one that is a list: what the SDK itself keeps. */
export const MAX_ATTRIBUTES = 128;

/** Longest text, in characters; of names too. */
export const MAX_TEXT = 4_096;
