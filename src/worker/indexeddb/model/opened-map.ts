// Messages that are maps, records and JSON objects, taken apart once for however many indexes look into them. A store may have
// 64 of 16 fields each, and a record of 4 MiB hundreds of thousands of values: looking through it for each field would keep the
// one thread of a database busy for half a minute.
import { MAX_KEY_PATH_LENGTH } from "../limits.ts";
import { fieldOf, fieldsOf } from "./wire-reader.ts";

export class OpenedMap {
  readonly #values = new Map<string, Uint8Array>();
  readonly #within = new Map<string, OpenedMap | undefined>();

  private constructor(map: Uint8Array) {
    for (const entry of fieldsOf(map, MAP_FIELD)) {
      const name = fieldOf(entry, ENTRY_KEY) ?? NOTHING;
      if (name.byteLength > LONGEST_NAME) continue;
      this.#values.set(nameOf(name), fieldOf(entry, ENTRY_VALUE) ?? NOTHING);
    }
  }

  /** The same for the same bytes, as long as somebody has them. */
  static of(map: Uint8Array): OpenedMap {
    const opened = kept.get(map) ?? new OpenedMap(map);
    kept.set(map, opened);
    return opened;
  }

  /** Names are data: `__proto__` is one like any other. */
  value(name: string): Uint8Array | undefined {
    return this.#values.get(name);
  }

  /** The map that is found in the value of that name, if there is one. It must always be sought in the same way. */
  within(name: string, find: (value: Uint8Array) => Uint8Array | undefined): OpenedMap | undefined {
    if (!this.#within.has(name)) {
      const value = this.#values.get(name);
      const map = value && find(value);
      this.#within.set(name, map && new OpenedMap(map));
    }
    return this.#within.get(name);
  }
}

/** The bytes of a name, each as a character: what is compared, and cheaper than decoding. */
export function nameOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

const kept = new WeakMap<Uint8Array, OpenedMap>();

/** In bytes, of which UTF-8 takes up to three for a UTF-16 unit. No index asks for longer ones. */
const LONGEST_NAME = 3 * MAX_KEY_PATH_LENGTH;

/** Number of the map in the two messages that are one: `Record.fields` and `google.protobuf.Struct.fields`. */
const MAP_FIELD = 1;

/** Numbers of key and value in an entry of a map (protobuf encoding, "Maps"). */
const ENTRY_KEY = 1;
const ENTRY_VALUE = 2;

const NOTHING = new Uint8Array();
