// Real KV behind a layer that refuses, forgets and counts, as the real service does and the local one does not.

export interface KvFaults {
  /** Refuses the next so many calls of a method with a status, as the binding words it. */
  readonly refuse?: {
    readonly method: "put" | "delete" | "getWithMetadata";
    readonly status: number;
    readonly times: number;
  };
  /** Answers reads as a location does that has lately seen nothing there. */
  readonly blind?: boolean;
}

export interface KvObserved {
  readonly operations: Readonly<Record<string, number>>;
  readonly mostAtOnce: number;
  readonly options: readonly unknown[];
}

export class FaultyKv {
  #faults: KvFaults = {};
  #refused = 0;
  #operations: Record<string, number> = {};
  #options: unknown[] = [];
  #running = 0;
  #mostAtOnce = 0;

  /** Sets the faults and forgets what was observed. */
  inject(faults: KvFaults): void {
    this.#faults = faults;
    this.#refused = 0;
    this.#operations = {};
    this.#options = [];
    this.#mostAtOnce = 0;
  }

  observed(): KvObserved {
    return { operations: this.#operations, mostAtOnce: this.#mostAtOnce, options: this.#options };
  }

  /** The binding with the layer around it. */
  around(kv: KVNamespace): KVNamespace {
    return new Proxy(kv, {
      get: (target, property) => {
        const method: unknown = Reflect.get(target, property);
        if (typeof method !== "function") return method;
        return (...args: unknown[]) => this.#call(String(property), args, () => Reflect.apply(method, target, args));
      },
    });
  }

  async #call(method: string, args: unknown[], real: () => Promise<unknown>): Promise<unknown> {
    const bulk = Array.isArray(args[0]);
    const label = bulk ? "bulk" : method;
    this.#operations[label] = (this.#operations[label] ?? 0) + 1;
    this.#options.push(args.at(-1));
    this.#mostAtOnce = Math.max(this.#mostAtOnce, ++this.#running);
    try {
      const { refuse, blind } = this.#faults;
      if (refuse?.method === method && this.#refused < refuse.times) {
        this.#refused++;
        throw new Error(`KV ${method.toUpperCase()} failed: ${refuse.status} Injected`);
      }
      if (blind && method === "getWithMetadata") {
        return bulk ? new Map() : { value: null, metadata: null, cacheStatus: null };
      }
      return await real();
    } finally {
      this.#running--;
    }
  }
}
