// Traces of one bridge: nothing at all unless the environment asks for them, and loaded only when the socket is open.
import type { Log, Secrets } from "../log.ts";
import type { Exporting } from "./exporting.ts";
import { type Tracer, type TracerSource, tracesWanted } from "./tracer.ts";

export interface Tracing {
  /** Loads what exports, once. Calls before that have no span; a fault is told to the operator, and is nobody else's. */
  start(): Promise<void>;
  /** For the bridge itself, or a provider it hosts. */
  tracerOf(provider?: TracedProvider): TracerSource;
  /** Sends what has ended so far; resolves when it is there, or after half a second. */
  flush(): Promise<void>;
  /** The same, for the last time. */
  close(): Promise<void>;
}

/** A hosted provider, whose spans are not the runtime's. */
export interface TracedProvider {
  /** gestaltd's name for it. */
  readonly name: string;
  readonly session: string;
  /** Takes out what is secret in the provider's session, beside the bridge's own secrets. */
  redact(text: string): string;
}

export interface TracingContext {
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
  readonly secrets: Secrets;
}

/** Undefined when no traces are wanted: whoever could begin a span asks for nothing else. */
export function openTracing(context: TracingContext): Tracing | undefined {
  return tracesWanted(context.env) ? new BridgeTracing(context) : undefined;
}

class BridgeTracing implements Tracing {
  readonly #context: TracingContext;
  #starting: Promise<void> | undefined;
  #exporting: Exporting | undefined;

  constructor(context: TracingContext) {
    this.#context = context;
  }

  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  tracerOf(provider?: TracedProvider): TracerSource {
    let tracer: Tracer | undefined;
    return () => {
      tracer ??= this.#exporting?.tracerOf(provider);
      return tracer;
    };
  }

  async flush(): Promise<void> {
    await this.#exporting?.flush();
  }

  async close(): Promise<void> {
    await this.#exporting?.close();
  }

  async #start(): Promise<void> {
    try {
      const { startExporting } = await import("./exporting.ts");
      this.#exporting = await startExporting(this.#context);
    } catch (error) {
      this.#context.log.warn("traces cannot be exported", { error });
    }
  }
}
