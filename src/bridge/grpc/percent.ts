// Percent-encoding of `grpc-message`: bytes outside printable ASCII, and the percent sign (gRPC over HTTP/2, "Status-Message").

const PLAIN = /^[\x20-\x24\x26-\x7e]*$/;

/** What it takes to write one byte as `%XX`. */
const ESCAPE_LENGTH = 3;

/**
 * Encodes as UTF-8, in at most `limit` characters. A longer text is cut between two characters: half of one would be
 * a replacement sign at the other end.
 */
export function percentEncode(text: string, limit: number): string {
  if (text.length <= limit && PLAIN.test(text)) return text;
  let encoded = "";
  for (const character of text) {
    const piece = PLAIN.test(character) ? character : encodeCharacter(character);
    if (encoded.length + piece.length > limit) break;
    encoded += piece;
  }
  return encoded;
}

function encodeCharacter(character: string): string {
  const bytes = Buffer.from(character, "utf8");
  let encoded = "";
  for (const byte of bytes)
    encoded += `%${byte
      .toString(16)
      .toUpperCase()
      .padStart(ESCAPE_LENGTH - 1, "0")}`;
  return encoded;
}

/** Decodes; what is not a valid escape stays as it is, as the specification asks. */
export function percentDecode(text: string): string {
  if (!text.includes("%")) return text;
  const bytes = Buffer.from(text, "utf8");
  const decoded = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const escaped = bytes[i] === 0x25 ? hexByte(bytes, i + 1) : undefined;
    decoded[length++] = escaped ?? bytes[i] ?? 0;
    if (escaped !== undefined) i += ESCAPE_LENGTH - 1;
  }
  return decoded.toString("utf8", 0, length);
}

function hexByte(bytes: Buffer, offset: number): number | undefined {
  const digits = bytes.toString("latin1", offset, offset + ESCAPE_LENGTH - 1);
  return /^[0-9a-fA-F]{2}$/.test(digits) ? Number.parseInt(digits, 16) : undefined;
}
