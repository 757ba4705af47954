// Times and sizes as people read them.

/** `0.4 ms`, `38 ms`, `1.27 s`. */
export function milliseconds(time: number): string {
  if (time < 10) return `${time.toFixed(1)} ms`;
  return time < 1000 ? `${Math.round(time)} ms` : `${(time / 1000).toFixed(2)} s`;
}

/** `412 B`, `78.1 kB`, `1.2 MB`: powers of ten, as Cloudflare counts its limits. */
export function bytes(size: number): string {
  if (size < 1e3) return `${size} B`;
  return size < 1e6 ? `${(size / 1e3).toFixed(1)} kB` : `${(size / 1e6).toFixed(1)} MB`;
}
