// Checks of what comes in. Each fault is INVALID_ARGUMENT, says which field has it, and repeats nothing of it: much is secret.
import { Code, ConnectError } from "@connectrpc/connect";
import type { BeginLoginRequest, CompleteLoginRequest } from "../../gen/gestalt/provider/v1/authentication_pb.ts";
import {
  MAX_ENTRIES,
  MAX_ENTRY_LENGTH,
  MAX_HOST_STATE_LENGTH,
  MAX_STATE_BYTES,
  MAX_TOKEN_LENGTH,
  MAX_URL_LENGTH,
} from "./limits.ts";
import type { ExternalToken, LoginReturn, LoginStart } from "./objects.ts";

export function loginStartFrom({ callbackUrl, hostState, scopes, options }: BeginLoginRequest): LoginStart {
  checkCallback(callbackUrl);
  checkLength("host state", hostState.length, MAX_HOST_STATE_LENGTH, "characters");
  checkEntries("scopes", scopes);
  checkEntries("options", texts(options));
  return { callbackUrl, hostState, scopes, options };
}

export function loginReturnFrom({ query, providerState, callbackUrl }: CompleteLoginRequest): LoginReturn {
  checkCallback(callbackUrl);
  checkEntries("query parameters", texts(query));
  checkLength("provider state", providerState.byteLength, MAX_STATE_BYTES, "bytes");
  return { query, providerState, callbackUrl };
}

/** A token of other characters can come in no HTTP header (RFC 6750 §2.1). */
export function externalTokenFrom(token: string): ExternalToken {
  if (token === "") throw invalid("The request holds no token.");
  checkLength("token", token.length, MAX_TOKEN_LENGTH, "characters");
  if (!/^[\x21-\x7e]+$/.test(token)) throw invalid("The token holds characters that no bearer token has.");
  return { token };
}

/** Whether a text is an absolute URL of http or https, without credentials, and not too long for a browser's way. */
export function isWebUrl(text: string): boolean {
  const url = text.length <= MAX_URL_LENGTH ? URL.parse(text) : null;
  return url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
}

function checkCallback(url: string): void {
  // gestaltd makes it of its `server.baseUrl`, and sends an empty one when it has none.
  if (url === "") throw invalid("gestaltd sent no callback URL: set server.baseUrl in its config.");
  if (!isWebUrl(url)) throw invalid("The callback URL is not an absolute URL of http or https.");
}

/** Names and values of a map, each pair as one text. */
function texts(map: Readonly<Record<string, string>>): string[] {
  return Object.entries(map).map(([name, value]) => name + value);
}

function checkEntries(what: string, entries: readonly string[]): void {
  if (entries.length > MAX_ENTRIES) {
    throw invalid(`The request has ${entries.length} ${what}; at most ${MAX_ENTRIES} are allowed.`);
  }
  for (const entry of entries) {
    checkLength(`longest of the ${what}`, entry.length, MAX_ENTRY_LENGTH, "characters");
    // A lone surrogate has no UTF-8 form. Only a JSON request can carry it.
    if (!entry.isWellFormed()) throw invalid(`One of the ${what} is not valid Unicode.`);
  }
}

function checkLength(what: string, length: number, most: number, unit: string): void {
  if (length > most) throw invalid(`The ${what} has ${length} ${unit}; at most ${most} are allowed.`);
}

function invalid(text: string): ConnectError {
  return new ConnectError(text, Code.InvalidArgument);
}
