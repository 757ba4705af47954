// What an object answers. Errors are part of it: of an error thrown across to a worker, nothing but the text arrives
// everywhere.
import { Code, ConnectError, HostServiceError } from "../../worker/index.ts";

export type Outcome<T> = { readonly value: T } | { readonly error: Failure };

export interface Failure {
  readonly code: Code;
  readonly message: string;
}

/**
 * What the database means its callers to know becomes part of the answer; anything else is thrown, for the platform to
 * log.
 */
export async function outcomeOf<T>(work: () => Promise<T> | T): Promise<Outcome<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    if (error instanceof ConnectError) return { error: { code: error.code, message: error.rawMessage } };
    if (error instanceof HostServiceError) return { error: { code: error.code, message: error.message } };
    if (isFull(error)) return { error: { code: Code.ResourceExhausted, message: FULL } };
    throw error;
  }
}

export function unwrap<T>(outcome: Outcome<T>): T {
  if ("value" in outcome) return outcome.value;
  throw new ConnectError(outcome.error.message, outcome.error.code);
}

const FULL = "The database's Durable Object is full (10 GB).";

function isFull(error: unknown): boolean {
  return error instanceof Error && error.message.includes("SQLITE_FULL");
}
