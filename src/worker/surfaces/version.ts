// Version of the gestalt-edge package a worker was built with.

/** Kept equal to package.json by a test: a Worker bundle has no package.json to read. */
export const PACKAGE_VERSION = "0.1.0";
