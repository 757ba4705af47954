// The caller's deadline: read from the request, kept as a timer only while work is under way.
import { Code, ConnectError } from "@connectrpc/connect";
import { parseTimeout } from "@connectrpc/connect/protocol-connect";

/** Longest delay a timer takes, in milliseconds (2^31 - 1; a longer one fires at once). 24 days is as good as none. */
const MAX_TIMER_MS = 2_147_483_647;

/** The `connect-timeout-ms` of a request; undefined without one. Throws INVALID_ARGUMENT on anything but 1 to 10 digits. */
export function readTimeout(headers: Headers): number | undefined {
  const value = headers.get("connect-timeout-ms");
  if (value === null) return undefined;
  const { timeoutMs, error } = parseTimeout(value, Number.MAX_SAFE_INTEGER);
  if (error !== undefined) throw error;
  return timeoutMs;
}

export function deadlineExceeded(): ConnectError {
  return new ConnectError("The deadline has passed.", Code.DeadlineExceeded);
}

/**
 * Calls `onPassed` when `deadline` (milliseconds since the epoch) has passed. Returns what stops it; undefined when
 * there is nothing to wait for.
 */
export function watchDeadline(deadline: number | undefined, onPassed: () => void): (() => void) | undefined {
  if (deadline === undefined) return undefined;
  const delay = deadline - Date.now();
  if (delay > MAX_TIMER_MS) return undefined;
  const timer = setTimeout(onPassed, Math.max(0, delay));
  return () => clearTimeout(timer);
}
