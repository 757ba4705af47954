// How the gate of an embedded worker tells a denied `fetch` from an answer of the host: a header no host can send through it.

/** On a 403 answer: the rule that denied. The body says the reason in a sentence. */
export const DENIED_HEADER = "gestalt-egress-denied";

/** Status of such an answer. */
export const DENIED_STATUS = 403;
