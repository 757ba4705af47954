// Which binding of the worker holds which secret. What is not allowed here cannot be read, whatever a session asks for.

/** Where nothing else is said, bindings that begin so are secrets. */
const DEFAULT_PREFIX = "SECRET_";

/** Bindings of gestalt-edge itself, one of which signs URLs. They are nobody's secret to read. */
const OWN_PREFIX = "GESTALT_EDGE_";

export interface AllowedBindingsOptions {
  /**
   * Secrets by the name gestaltd asks for, each with the binding that holds it; a list of names where the two are the same.
   */
  readonly allow?: readonly string[] | Readonly<Record<string, string>>;
  /** Every binding whose name begins so is a secret, named by the rest; `SECRET_` when `allow` is left out too. */
  readonly prefix?: string;
}

export interface AllowedBindings {
  /** Name of the binding that holds a secret; undefined when no binding may. */
  of(secret: string): string | undefined;
  /** The secrets that are allowed by name. */
  readonly listed: readonly string[];
}

/** Throws a TypeError for options that would give away more than secrets. */
export function allowedBindings({ allow, prefix }: AllowedBindingsOptions): AllowedBindings {
  const listed = new Map(Array.isArray(allow) ? allow.map((name) => [name, name]) : Object.entries(allow ?? {}));
  for (const binding of listed.values()) {
    if (isOwn(binding))
      throw new TypeError(`allow: ${binding} belongs to gestalt-edge itself and is no secret to serve.`);
  }
  if (prefix === "") throw new TypeError('prefix: "" would make every binding of the worker a secret.');
  const start = prefix ?? (allow === undefined ? DEFAULT_PREFIX : undefined);
  return {
    listed: [...listed.keys()],
    of(secret) {
      const binding = listed.get(secret) ?? (start === undefined ? undefined : start + secret);
      return binding === undefined || isOwn(binding) ? undefined : binding;
    },
  };
}

function isOwn(binding: string): boolean {
  return binding.startsWith(OWN_PREFIX);
}
