// Texts as bytes that compare as W3C IndexedDB compares texts: by UTF-16 unit.
//
// UTF-8 does so for all texts but those beyond the Basic Multilingual Plane, whose pairs of units (U+D800 to U+DFFF)
// would have to come before U+E000 to U+FFFF. For these each unit is encoded by itself (CESU-8, Unicode Technical
// Report 26).

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

const SURROGATE = /[\ud800-\udfff]/;

export function encodeText(text: string): Uint8Array {
  return SURROGATE.test(text) ? encodeUnits(text) : encoder.encode(text);
}

/** The text again. */
export function decodeText(bytes: Uint8Array): string {
  return holdsSurrogates(bytes) ? decodeUnits(bytes) : decoder.decode(bytes);
}

/** In UTF-8 the byte 0xED is followed by at most 0x9F; above that are the surrogates, which it does not have. */
function holdsSurrogates(bytes: Uint8Array): boolean {
  for (let at = bytes.indexOf(0xed); at !== -1; at = bytes.indexOf(0xed, at + 1)) {
    if ((bytes[at + 1] ?? 0) >= 0xa0) return true;
  }
  return false;
}

function encodeUnits(text: string): Uint8Array {
  const bytes = new Uint8Array(3 * text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) bytes[length++] = unit;
    else if (unit < 0x800) {
      bytes[length++] = 0xc0 | (unit >> 6);
      bytes[length++] = 0x80 | (unit & 0x3f);
    } else {
      bytes[length++] = 0xe0 | (unit >> 12);
      bytes[length++] = 0x80 | ((unit >> 6) & 0x3f);
      bytes[length++] = 0x80 | (unit & 0x3f);
    }
  }
  return bytes.slice(0, length);
}

function decodeUnits(bytes: Uint8Array): string {
  const units: string[] = [];
  const next = (at: number) => (bytes[at] ?? 0) & 0x3f;
  for (let at = 0; at < bytes.byteLength; ) {
    const first = bytes[at] as number;
    if (first < 0x80) {
      units.push(String.fromCharCode(first));
      at += 1;
    } else if (first < 0xe0) {
      units.push(String.fromCharCode(((first & 0x1f) << 6) | next(at + 1)));
      at += 2;
    } else {
      units.push(String.fromCharCode(((first & 0x0f) << 12) | (next(at + 1) << 6) | next(at + 2)));
      at += 3;
    }
  }
  return units.join("");
}
