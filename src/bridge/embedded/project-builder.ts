// Builds a project as often as it is wanted, and tells when what it was built from has changed.
import { bundleWorker, type WorkerBundle } from "./bundle.ts";
import { readProject, type WorkerProject } from "./project.ts";
import { type FileWatch, watchFiles } from "./watch-files.ts";

export interface ProjectBuilder {
  /** Rejects with a BridgeError that says what is wrong with the project or its sources. */
  build(): Promise<BuiltWorker>;
  close(): void;
}

export interface BuiltWorker {
  readonly project: WorkerProject;
  readonly bundle: WorkerBundle;
}

/** `changed` is called after a change to a file that the last build read, or missed; without it nothing is watched. */
export function projectBuilder(folder: string, changed?: () => void): ProjectBuilder {
  let watch: FileWatch | undefined;
  let closed = false;
  return {
    async build() {
      const project = await readProject(folder);
      const inputs = new Set(project.inputs);
      try {
        return { project, bundle: await bundleWorker(project, inputs) };
      } finally {
        if (changed !== undefined && !closed) {
          watch ??= watchFiles(changed);
          watch.update([...inputs]);
        }
      }
    },
    close() {
      closed = true;
      watch?.close();
    },
  };
}
