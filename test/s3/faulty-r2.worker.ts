// An R2 binding that fails on demand, and remembers what it was asked.

/** The next failures of each operation: R2's error code, or `lost` for an operation that succeeds without saying so. */
export type R2Faults = { readonly [operation: string]: readonly (number | "lost" | "network")[] };

export class FaultyR2 {
  operations: string[] = [];
  #faults: Record<string, (number | "lost" | "network")[]> = {};

  reset(faults: R2Faults): void {
    this.operations = [];
    this.#faults = Object.fromEntries(Object.entries(faults).map(([operation, codes]) => [operation, [...codes]]));
  }

  over(bucket: R2Bucket): R2Bucket {
    return this.#wrap(bucket, (operation, value) => {
      if (operation !== "createMultipartUpload" && operation !== "resumeMultipartUpload") return value;
      return this.#wrap(value as R2MultipartUpload);
    });
  }

  #wrap<T extends object>(target: T, adapt: (operation: string, value: unknown) => unknown = (_, value) => value): T {
    return new Proxy(target, {
      get: (_, name) => {
        const member = Reflect.get(target, name, target) as unknown;
        if (typeof member !== "function") return member;
        const operation = String(name);
        return (...args: unknown[]) => {
          const call = () => Reflect.apply(member, target, args) as unknown;
          // The only operation without an answer to wait for.
          if (operation === "resumeMultipartUpload") return adapt(operation, call());
          return this.#run(operation, call).then((value) => adapt(operation, value));
        };
      },
    });
  }

  async #run(operation: string, call: () => unknown): Promise<unknown> {
    this.operations.push(operation);
    const fault = this.#faults[operation]?.shift();
    if (fault === undefined) return call();
    if (fault === "network") throw new Error("Network connection lost.");
    if (fault === "lost") {
      await call();
      throw new Error(`${operation}: We encountered an internal error. Please try again. (10001)`);
    }
    throw new Error(`${operation}: injected (${fault})`);
  }
}
