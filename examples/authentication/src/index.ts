// Two ways to sign in, in one Worker. README.md says what each needs.
import { serve } from "gestalt-edge";
import { oidcAuthentication } from "gestalt-edge/providers/authentication-oidc";
import { github } from "./github.ts";

export default serve({ company: oidcAuthentication(), github });
