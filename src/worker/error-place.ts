// What can be said of an error without its text, which may hold secrets.

/** The error's name, or what else was thrown, and the frames of its stack. */
export type ErrorPlace = { readonly error: string; readonly at?: readonly string[] };

export function errorPlace(error: unknown): ErrorPlace {
  if (!(error instanceof Error)) return { error: typeof error };
  const frames = (error.stack ?? "").replace(error.message, "").split("\n").filter(isFrame);
  return { error: error.name, at: frames.map((frame) => frame.trim()) };
}

function isFrame(line: string): boolean {
  return /^ {4}at [^\n]*:\d+:\d+\)?$/.test(line);
}
