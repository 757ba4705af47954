// What a user entered, exchanged for tokens at the connection's endpoint.
import { Code, ConnectError, type CredentialExchangeInput, type ExchangedCredential } from "../../worker/index.ts";
import { codeOfMisconfigured } from "./outcome.ts";
import { TokenFailure, type TokenFailureKind } from "./tokens/failure.ts";
import { exchangeEntered } from "./tokens/grants.ts";
import { enteredTexts } from "./tokens/stored.ts";

/** Undefined when there is no endpoint to ask: what was entered is the credential. */
export async function exchangeForTokens(input: CredentialExchangeInput): Promise<ExchangedCredential | undefined> {
  const { auth, connectionParams: params, credentialJson } = input;
  if (auth.tokenUrl.trim() === "") return undefined;
  const entered = enteredTexts(credentialJson);
  if (entered === undefined) {
    throw new ConnectError("credential_json is not a JSON object of texts.", Code.InvalidArgument);
  }
  const tokens = await exchangeEntered({ auth, params, times: { now: Date.now } }, entered).catch(explain);
  return {
    ...{ accessToken: tokens.accessToken, refreshToken: tokens.refreshToken, tokenType: tokens.tokenType },
    ...{ expiresIn: tokens.lifetimeSeconds, extra: tokens.answer },
    // Exchanged again when the token ends.
    refreshSource: credentialJson,
  };
}

const CODES: Readonly<Record<TokenFailureKind, (text: string) => Code>> = {
  reconnect: () => Code.InvalidArgument,
  unavailable: () => Code.Unavailable,
  misconfigured: codeOfMisconfigured,
};

function explain(error: unknown): never {
  if (!(error instanceof TokenFailure)) throw error;
  const text = `What was entered could not be exchanged: ${error.message}.`;
  throw new ConnectError(text, CODES[error.kind](text));
}
