// Real Durable Objects behind a layer that fails as the platform does, and counts.

export interface ObjectFaults {
  /** Calls that fail from now on. */
  readonly times?: number;
  readonly message?: string;
  /** What the platform sets on errors of its own. */
  readonly retryable?: boolean;
  readonly overloaded?: boolean;
}

export class FaultyObjects {
  #faults: ObjectFaults = {};
  #calls: string[] = [];

  /** Sets the faults and forgets the calls. */
  inject(faults: ObjectFaults): void {
    this.#faults = faults;
    this.#calls = [];
  }

  /** `<object name> <method>` of each call. */
  calls(): readonly string[] {
    return this.#calls;
  }

  /** The binding with the layer around it. */
  around<T extends Rpc.DurableObjectBranded>(namespace: DurableObjectNamespace<T>): unknown {
    return { idFromName: true, getByName: (name: string) => this.#stub(name, namespace.getByName(name)) };
  }

  #stub(name: string, stub: object): unknown {
    return new Proxy(stub, {
      get:
        (target, method) =>
        async (...args: unknown[]) => {
          this.#calls.push(`${name} ${String(method)}`);
          const { times = 0, message = "injected", retryable, overloaded } = this.#faults;
          if (this.#calls.length <= times) throw Object.assign(new Error(message), { retryable, overloaded });
          const real: unknown = Reflect.get(target, method);
          if (typeof real !== "function") throw new Error(`no method ${String(method)}`);
          return Reflect.apply(real, target, args);
        },
    });
  }
}
