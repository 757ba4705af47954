// Secrets from a vault that only the worker can reach, and whose token only the worker has.
import { serve } from "gestalt-edge";
import { vault } from "./vault.ts";

export default serve({ vault });
