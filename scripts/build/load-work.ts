// Stands for src/bridge/work.ts in the built bridge.
import type * as Work from "../../src/bridge/work.ts";
import { loadPart } from "./load-part.ts";

export const { work } = loadPart("The working process", import.meta.filename) as typeof Work;
