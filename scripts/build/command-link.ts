// node_modules/.bin/gestalt-edge: npm makes it when the package is installed, but in a clone that is before dist/ exists.
import { chmodSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";

/** Makes `npx gestalt-edge` work in a clone as it does for users of the package. */
export function linkCommand(root: string): void {
  chmodSync(join(root, "dist", "lib", "cli", "main.js"), 0o755);
  const link = join(root, "node_modules", ".bin", "gestalt-edge");
  rmSync(link, { force: true });
  symlinkSync(join("..", "gestalt-edge", "dist", "lib", "cli", "main.js"), link);
}
