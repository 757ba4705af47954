// Whom a worker trusts: its name and the public keys of its bridges, read from the Worker's variables.
import { createLocalJWKSet } from "jose/jwks/local";
import type { JWTVerifyGetKey } from "jose/jwt/verify";
import { JWKS_BINDING, NAME_BINDING } from "../../wire/bindings.ts";
import type { Bindings } from "../call.ts";

/** Either what tokens are checked against, or what the operator must configure first. */
export type Trust = { readonly audience: string; readonly keys: JWTVerifyGetKey } | { readonly missing: string };

/** Reads the variables. There is no open mode: whatever is wrong with them, the worker refuses everything. */
export function readTrust(bindings: Bindings): Trust {
  const audience = bindings[NAME_BINDING];
  if (typeof audience !== "string" || audience === "") {
    return { missing: `Set the variable ${NAME_BINDING} to the name of this worker.` };
  }
  const text = bindings[JWKS_BINDING];
  if (typeof text !== "string" || text === "") {
    return { missing: `Set the variable ${JWKS_BINDING} to the public keys that \`gestalt-edge keygen\` printed.` };
  }
  try {
    const { keys } = JSON.parse(text);
    if (!Array.isArray(keys) || keys.length === 0) {
      return { missing: `The variable ${JWKS_BINDING} holds no key. Run \`gestalt-edge keygen\`.` };
    }
    return { audience, keys: createLocalJWKSet({ keys }) };
  } catch {
    return { missing: `The variable ${JWKS_BINDING} is not a JSON Web Key Set. Run \`gestalt-edge keygen\`.` };
  }
}
