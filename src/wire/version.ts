// Version of the gestalt-edge package that a worker or a bridge was built from.

/** Kept equal to package.json by a test: neither a Worker bundle nor the bridge's single file has one to read. */
export const PACKAGE_VERSION = "0.1.0";
