// Opens connections to a worker that are reset, not closed, when a call on them is given up.
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { buildConnector, errors } from "undici";

/**
 * A connector for undici pools. undici ends an aborted request by closing its connection; workerd takes that for the end
 * of the request body and goes on working for nobody, and notices a reset only. The real edge notices both, and a TLS
 * connection cannot be reset, so that one is closed as ever.
 */
export function resettingConnector(options: buildConnector.BuildOptions = {}): buildConnector.connector {
  const connect = buildConnector(options);
  return (target, connected) => {
    connect(target, (...result) => {
      const [, socket] = result;
      // Not null, as undici's types have it, but missing when the connection failed.
      if (socket && !(socket instanceof TLSSocket)) resetWhenAborted(socket);
      connected(...result);
    });
  };
}

/** undici says what it destroys a socket for: an InformationalError when a request was aborted, or a connection idle. */
function resetWhenAborted(socket: Socket): void {
  const destroy = socket.destroy.bind(socket);
  socket.destroy = (error) => {
    const aborted = error instanceof errors.InformationalError && error.message === "aborted";
    return aborted && !socket.destroyed ? socket.resetAndDestroy() : destroy(error);
  };
}
