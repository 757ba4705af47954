// A plugin that searches a site: its JSON Feed, one item of it, and what a page of it says.
import { serve } from "gestalt-edge";
import { search } from "./search.ts";

export default serve({ search });
