// Tokens to use now: those that are stored while they hold, renewed once at a time when they end.
import { type CredentialAuth, credentialParams } from "../../worker/index.ts";
import type { CredentialRow, CredentialTable } from "./credential-table.ts";
import type { Fingerprints } from "./fingerprints.ts";
import { Flights } from "./flights.ts";
import { instantOf } from "./instants.ts";
import type { KeyRing } from "./key-ring.ts";
import { RefusedError } from "./outcome.ts";
import { failureAt, isDue, isValid, mayTry, platformHorizon, refusalOf } from "./renewal.ts";
import { type Content, type Place, seal, unseal } from "./sealing.ts";
import { type StoredCredential, storedCredential } from "./stored.ts";
import type { EndpointTimes } from "./tokens/ask-endpoint.ts";
import { TokenFailure } from "./tokens/failure.ts";
import { type KeepRefreshToken, platformTokens } from "./tokens/platform.ts";
import { canRenew, renewedTokens } from "./tokens/stored.ts";
import type { TokenSet } from "./tokens/token-set.ts";

export interface ResolverTimes extends EndpointTimes {
  /** How long callers wait for a renewal, in milliseconds. */
  readonly patience: { readonly expired: number; readonly valid: number };
}

export interface UserQuestion {
  readonly subjectId: string;
  readonly connectionId: string;
  readonly instance: string;
  readonly auth: CredentialAuth;
  readonly connectionParams: Readonly<Record<string, string>>;
}

export type PlatformQuestion = Omit<UserQuestion, "subjectId" | "instance">;

export interface PlatformToken {
  readonly token: string;
  readonly expiresAt: string | null;
}

/** Gets new tokens. */
type Renew = (keep: KeepRefreshToken) => Promise<TokenSet>;

/** How to get new tokens for some content; undefined when there is no way. */
type Renewal = (content: Content) => Renew | undefined;

/** A row with what it holds. */
interface Opened {
  readonly row: CredentialRow;
  readonly content: Content;
}

const NOTHING: Content = { accessToken: "", refreshToken: "", scopes: "", metadataJson: "" };

export class TokenResolver {
  readonly #table: CredentialTable;
  readonly #fingerprints: Fingerprints;
  readonly #times: ResolverTimes;
  readonly #flights = new Flights();

  constructor(table: CredentialTable, fingerprints: Fingerprints, times: ResolverTimes) {
    this.#table = table;
    this.#fingerprints = fingerprints;
    this.#times = times;
  }

  async forUser(question: UserQuestion, ring: KeyRing): Promise<StoredCredential> {
    const { auth, connectionParams } = question;
    const found = this.#find(question);
    const renewal: Renewal = (content) => {
      const params = { ...connectionParams, ...credentialParams(content.metadataJson) };
      const { refreshToken } = content;
      if (!canRenew(auth, refreshToken)) return undefined;
      return () => renewedTokens({ auth, params, times: this.#times }, refreshToken);
    };
    const { row, content } = await this.#current(found, renewal, [auth, connectionParams], ring);
    return storedCredential(row, content);
  }

  async forPlatform({ connectionId, auth, connectionParams }: PlatformQuestion, ring: KeyRing): Promise<PlatformToken> {
    const config = [connectionId, auth, connectionParams];
    const place = { subject: "", connection: connectionId || "-", instance: await this.#fingerprints.of(config, ring) };
    const row = this.#table.find(place) ?? (await this.#platformRow(place, ring));
    const grantor = { auth, params: connectionParams, times: this.#times };
    const renewal: Renewal = (content) => (keep) => platformTokens(grantor, content.refreshToken || undefined, keep);
    const current = await this.#current(row, renewal, config, ring);
    return { token: current.content.accessToken, expiresAt: current.row.expires_at };
  }

  #find({ subjectId: subject, connectionId: connection, instance }: UserQuestion): CredentialRow {
    const fitting =
      instance === ""
        ? this.#table.list({ subject, connection })
        : [this.#table.find({ subject, connection, instance })];
    const [first, second] = fitting;
    if (first === undefined) throw gone();
    if (second === undefined) return first;
    throw new RefusedError("ambiguous", "The credential is ambiguous: the subject has several; name an instance.");
  }

  /** The row as it is to be answered with, renewed before that when it is due. */
  async #current(row: CredentialRow, renewal: Renewal, config: unknown, ring: KeyRing): Promise<Opened> {
    const opened = { row, content: await unseal(row, ring) };
    const renew = isDue(row, this.#now()) ? renewal(opened.content) : undefined;
    if (renew === undefined) return this.#valid(opened, EXPIRED);
    const fingerprint = await this.#fingerprints.of(config, ring);
    const late = await this.#renewOnce(opened, renew, fingerprint, ring);
    const after = this.#table.byNumber(row.number);
    if (after === undefined) throw gone();
    const refusal = late ? LATE : refusalOf(after, this.#now());
    return this.#valid({ row: after, content: await unseal(after, ring) }, refusal);
  }

  /** Renews a row, unless that has been done or has failed since it was read. Answers whether it takes too long to wait for. */
  async #renewOnce({ row, content }: Opened, renew: Renew, config: string, ring: KeyRing) {
    const now = this.#now();
    const before = this.#table.byNumber(row.number);
    // Between this look and the flight's begin nothing else runs, so that two callers never begin the same.
    if (before?.version !== row.version || !mayTry(before, config, now)) return false;
    const patience = isValid(before, now) ? this.#times.patience.valid : this.#times.patience.expired;
    const work = () => this.#renew({ row: before, content }, renew, config, ring);
    return !(await this.#flights.join(String(row.number), work, patience));
  }

  async #renew(opened: Opened, renew: Renew, config: string, ring: KeyRing): Promise<void> {
    // A token's life is counted from when it was asked for, however late the answer comes.
    const now = this.#now();
    try {
      const tokens = await renew((refreshToken) => this.#keepRefreshToken(opened, refreshToken, ring));
      await this.#keep(opened, tokens, now, ring);
    } catch (error) {
      const failure = asFailure(error);
      if (failure === undefined) throw error;
      const { row } = opened;
      this.#table.fail(row, failureAt(failure, row.refresh_errors, config, this.#now()));
    }
  }

  async #keep({ row, content }: Opened, tokens: TokenSet, now: number, ring: KeyRing): Promise<void> {
    const { accessToken, refreshToken = content.refreshToken, scopes = content.scopes, lifetimeSeconds } = tokens;
    const sealed = await seal({ ...content, accessToken, refreshToken, scopes }, row, ring.current);
    // Whoever has connected again meanwhile has better tokens than these.
    if (this.#table.byNumber(row.number)?.version !== row.version) return;
    const renewed = instantOf(new Date(now));
    this.#table.update(row.number, {
      ...sealed,
      expires_at: lifetimeSeconds === undefined ? null : instantOf(new Date(now + lifetimeSeconds * 1000)),
      ...{ last_refreshed_at: renewed, refresh_errors: 0, created_at: row.created_at, updated_at: renewed },
    });
  }

  async #keepRefreshToken({ row, content }: Opened, refreshToken: string, ring: KeyRing): Promise<void> {
    this.#table.amend(row, await seal({ ...content, refreshToken }, row, ring.current));
  }

  #valid(opened: Opened, refusal: RefusedError): Opened {
    if (isValid(opened.row, this.#now())) return opened;
    throw refusal;
  }

  /** A row to keep a platform connection's tokens in, which has none yet. */
  async #platformRow(place: Place, ring: KeyRing): Promise<CredentialRow> {
    const sealed = await seal(NOTHING, place, ring.current);
    const now = this.#now();
    if (this.#table.find(place) === undefined) {
      this.#table.removePlatformTokens(platformHorizon(now));
      const at = instantOf(new Date(now));
      const times = { expires_at: at, last_refreshed_at: null, created_at: at, updated_at: at };
      this.#table.insert({ ...place, ...sealed, ...times, id: crypto.randomUUID(), refresh_errors: 0 });
    }
    const row = this.#table.find(place);
    if (row === undefined) throw new Error("a row is not there that has just been made");
    return row;
  }

  #now(): number {
    return this.#times.now();
  }
}

const EXPIRED = new RefusedError("reconnect", "The credential has expired, and nothing renews it. Connect again.");
const LATE = new RefusedError("unavailable", "The token is still being renewed. Try again.");

function gone(): RefusedError {
  return new RefusedError("missing", "There is no such credential.");
}

/** Undefined for what is no fault of the endpoint or of its config. */
function asFailure(error: unknown): TokenFailure | undefined {
  if (error instanceof TokenFailure) return error;
  if (!(error instanceof RefusedError)) return undefined;
  return new TokenFailure("misconfigured", error.message);
}
