// What OpenTelemetry's SDK has to say, such as of a variable that it cannot read, goes into the bridge's log.
import { type DiagLogFunction, DiagLogLevel, diag } from "@opentelemetry/api";
import type { Log } from "../log.ts";

/** Different sentences that are told; the SDK repeats some with each batch, and numbers in them do not make them news. */
const MAX_SENTENCES = 32;

export function diagnostics(log: Log): void {
  const told = new Set<string>();
  const tell: DiagLogFunction = (message) => {
    const sentence = message.replace(/\d+/g, "0");
    if (told.has(sentence) || told.size === MAX_SENTENCES) return;
    told.add(sentence);
    log.warn("OpenTelemetry warns", { cause: message });
  };
  const ignore: DiagLogFunction = () => undefined;
  const logger = { error: tell, warn: tell, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}
