// What the handlers have at hand in one call.
import type { ProviderRequest } from "../../worker/index.ts";
import type { OidcConfig } from "./config.ts";
import type { Asking, IssuerDocuments, Sources } from "./issuer-documents.ts";
import type { Issuer, Settings } from "./settings.ts";

export interface OidcCall {
  readonly settings: Settings;
  readonly documents: IssuerDocuments;
  readonly request: ProviderRequest<OidcConfig>;
  readonly sources: Sources;
}

export function askingOf({ settings, request }: OidcCall, issuer: Issuer): Asking {
  return { issuer, settings, request };
}
