// The bridge's log seam: one line of JSON per entry on stderr, which gestaltd passes on to its own. Secrets that were
// told to it are blotted out wherever they turn up.

export interface Log {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** Values that must never be printed. */
export interface Secrets {
  /** Remembers a value. Short ones are ignored: blotting them out would garble every line and protect nothing. */
  add(value: string | undefined): void;
  /** The text with every remembered value replaced, and the beginning of one where the text was cut off (`…`). */
  redact(text: string): string;
}

/** Shorter values occur in ordinary words. */
const MIN_SECRET_LENGTH = 8;
/** Fewer characters of a value, where a text was cut off, tell nothing. */
const MIN_BEGINNING_LENGTH = 4;
const CUT = "…";
const REDACTED = "[redacted]";

export function createSecrets(): Secrets {
  // The longest first: of one that begins with another the rest would stay.
  let values: readonly string[] = [];
  return {
    add(value) {
      if (value === undefined || value.length < MIN_SECRET_LENGTH) return;
      // The second is the form it has inside a JSON string; a PEM key holds line breaks.
      const all = new Set([...values, value, JSON.stringify(value).slice(1, -1)]);
      if (all.size > values.length) values = [...all].sort((one, other) => other.length - one.length);
    },
    redact(text) {
      let result = text;
      for (const value of values) result = result.replaceAll(value, REDACTED);
      return withoutBeginning(result, values);
    },
  };
}

/** Worker and node cut long lines before they come here, and a cut may go through a secret. */
function withoutBeginning(text: string, values: readonly string[]): string {
  const cut = text.lastIndexOf(CUT);
  if (cut === -1) return text;
  const before = text.slice(0, cut);
  let longest = 0;
  for (const value of values) {
    let length = value.length - 1;
    while (length >= MIN_BEGINNING_LENGTH && !before.endsWith(value.slice(0, length))) length -= 1;
    if (length >= MIN_BEGINNING_LENGTH) longest = Math.max(longest, length);
  }
  return longest === 0 ? text : `${before.slice(0, -longest)}${REDACTED}${text.slice(cut)}`;
}

/** Makes a log whose entries carry `base`. `write` gets whole lines. */
export function createLog(secrets: Secrets, base: LogFields = {}, write: (line: string) => void = writeToStderr): Log {
  const entry = (level: "info" | "warn" | "error") => (message: string, fields?: LogFields) => {
    const line = JSON.stringify({ time: new Date().toISOString(), level, message, ...base, ...fields }, describeErrors);
    write(`${secrets.redact(line)}\n`);
  };
  return { info: entry("info"), warn: entry("warn"), error: entry("error") };
}

function describeErrors(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  // A user's mistake needs no stack (DESIGN §9).
  const user = "user" in value && value.user === true;
  return { name: value.name, message: value.message, ...(user ? {} : { stack: value.stack }) };
}

function writeToStderr(line: string): void {
  // The reader may be gone (EPIPE); the process hears of that by its parent's disappearance.
  process.stderr.write(line, () => undefined);
}
