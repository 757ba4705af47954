// Credentials for other systems in a vault of one's own: the worker stores nothing.
import { serve } from "gestalt-edge";
import { credentials } from "./credentials.ts";

export default serve({ credentials });
