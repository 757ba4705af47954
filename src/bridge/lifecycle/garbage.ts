// How much garbage the process lets gather before V8 looks through its heap.
import { setFlagsFromString } from "node:v8";

/**
 * How far the heap may grow between two collections, in percent of what was alive after the last.
 *
 * V8 counts the bytes of buffers against the limit of the heap, and derives the limit from the objects that were alive, some 14 MB
 * here: with what it takes by itself, a stream of objects is collected after every 3 MB, and the bridge does little else. With
 * this it is after some 30 MB. The largest the process gets is the same, since it is what waits to be collected anyway.
 */
const HEAP_GROWTH_PERCENT = 200;

/** For a process that moves bytes. Before it does, since V8 sets the next limit with a collection. */
export function collectLessOften(): void {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`);
}
