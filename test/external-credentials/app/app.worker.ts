// A credential store, and a plugin that tells which token it was given.
import { definePlugin, operation, serve } from "gestalt-edge";
import {
  CredentialsObject,
  durableObjectCredentials,
} from "gestalt-edge/providers/external-credentials-durable-object";

export { CredentialsObject };

const teller = definePlugin({
  displayName: "Teller",
  operations: [
    operation({ id: "tell", method: "POST", handler: (_input, { token, credential }) => ({ token, credential }) }),
  ],
});

export default serve({ credentials: durableObjectCredentials(), teller });
