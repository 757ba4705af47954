// Bindings that allow what the real edge allows one request: six operations waiting for an answer. workerd on this machine
// counts nothing. Source: Workers platform limits, simultaneous open connections.

const MAX_CONNECTIONS = 6;

/** To be made anew for each request. All bindings it wraps share the limit; one operation more throws. */
export function connectionLimit(): <T extends object>(binding: T) => T {
  let waiting = 0;
  return function limited<T extends object>(binding: T): T {
    return new Proxy(binding, {
      get(target, name) {
        const member = Reflect.get(target, name, target) as unknown;
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          if (waiting >= MAX_CONNECTIONS) {
            throw new Error(
              `${String(name)}: the edge lets a request wait for ${MAX_CONNECTIONS} connections, not more`,
            );
          }
          const answer = Reflect.apply(member, target, args) as unknown;
          if (!(answer instanceof Promise)) return isUpload(answer) ? limited(answer) : answer;
          waiting++;
          return answer.then((value) => (isUpload(value) ? limited(value) : value)).finally(() => waiting--);
        };
      },
    });
  };
}

/** A multipart upload of R2 has operations of its own. */
function isUpload(value: unknown): value is object {
  return typeof value === "object" && value !== null && "uploadPart" in value;
}
