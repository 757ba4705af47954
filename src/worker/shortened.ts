// Texts of callers in our own: as long as a reader needs, never as long as a caller likes.

/** Most UTF-16 units of a name in a sentence. */
const MAX_NAME_LENGTH = 200;

export function shortened(text: string, most = MAX_NAME_LENGTH): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}
