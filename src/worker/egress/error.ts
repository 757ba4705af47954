// What a provider gets when it reaches for a host that its session may not reach.

/** `fetch` throws it. gestaltd's operator lists the hosts, as `allowedHosts` of the plugin's entry. */
export class EgressDeniedError extends Error {
  override readonly name = "EgressDeniedError";
  /** As in the URL: `api.example.com`, with a port other than the scheme's. */
  readonly host: string;
  /** What denied it: `allowed_hosts` when none of its entries matched, or `default_action deny`. */
  readonly rule: string;

  constructor(host: string, rule: string, reason: string) {
    super(reason);
    this.host = host;
    this.rule = rule;
  }
}
