// Fingerprints of connections' configs: what tokens of platform connections are found by, and what a failed attempt was made with.
// Keyed, since a config may hold a secret short enough to guess.
import type { CredentialTable } from "./credential-table.ts";
import { instantOf } from "./instants.ts";
import type { KeyRing } from "./key-ring.ts";
import { seal, unseal } from "./sealing.ts";

/** Where the store's own secret lies: like a credential, so that it is encrypted and rotated as those are. */
const OWN_PLACE = { subject: "", connection: "", instance: "fingerprints" } as const;

const HMAC = { name: "HMAC", hash: "SHA-256" } as const;
const SECRET_BYTES = 32;

const encoder = new TextEncoder();

export class Fingerprints {
  readonly #table: CredentialTable;
  #key: Promise<CryptoKey> | undefined;

  constructor(table: CredentialTable) {
    this.#table = table;
  }

  /** The same for the same value, as long as the store's secret is there. */
  async of(value: unknown, ring: KeyRing): Promise<string> {
    const key = await this.#open(ring);
    const mac = await crypto.subtle.sign(HMAC, key, encoder.encode(JSON.stringify(value)));
    return base64(new Uint8Array(mac));
  }

  /** The secret may have gone with a key that was forgotten. */
  reset(): void {
    this.#key = undefined;
  }

  #open(ring: KeyRing): Promise<CryptoKey> {
    const opening = this.#key ?? this.#read(ring);
    this.#key = opening;
    opening.catch(() => this.reset());
    return opening;
  }

  async #read(ring: KeyRing): Promise<CryptoKey> {
    const row = this.#table.find(OWN_PLACE);
    const secret = row === undefined ? await this.#create(ring) : (await unseal(row, ring)).accessToken;
    return crypto.subtle.importKey("raw", encoder.encode(secret), HMAC, false, ["sign"]);
  }

  async #create(ring: KeyRing): Promise<string> {
    const secret = base64(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
    const content = { accessToken: secret, refreshToken: "", scopes: "", metadataJson: "" };
    const sealed = await seal(content, OWN_PLACE, ring.current);
    const now = instantOf(new Date());
    const times = { expires_at: null, last_refreshed_at: null, created_at: now, updated_at: now };
    this.#table.insert({ ...OWN_PLACE, ...sealed, ...times, id: crypto.randomUUID(), refresh_errors: 0 });
    return secret;
  }
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
