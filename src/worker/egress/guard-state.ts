// Whether the egress guard is in this bundle: set by guard.ts, which only a guarded bundle contains. A leaf, so that everybody
// may ask.

let installed = false;

export function markInstalled(): void {
  installed = true;
}

export function guardInstalled(): boolean {
  return installed;
}
