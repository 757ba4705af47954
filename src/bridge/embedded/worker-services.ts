// One project as services of one workerd: the same bundle once, or several times when sessions have egress policies.
//
// A policy holds for a service, since workerd cannot tell which session a `fetch` belongs to. With gates there are
//   open     without a guard, for sessions that have no policy,
//   objects  the owner of everything that outlives a call and belongs to all sessions (Durable Objects, workflows, queue
//            consumers, what service bindings name), under its project's name, so that its data stays where it was,
//   guarded  one per gate.
import type { WorkerOptions } from "miniflare";
import { EGRESS_GATE_BINDING } from "../../wire/bindings.ts";
import type { WorkerdSpec } from "./miniflare.ts";

export interface WorkerServices {
  readonly workers: readonly WorkerOptions[];
  /** Names of the services sessions are sent to. */
  readonly open: string;
  readonly guarded: readonly string[];
}

type NamedWorker = WorkerOptions & { readonly name: string };

/** workerd's `HttpOptions.Style`: whole URLs in request lines, as to a proxy, and CONNECT for raw connections. */
const PROXY_STYLE = 1;

export function workerServices(spec: WorkerdSpec): WorkerServices {
  const { project, port, gates } = spec;
  const { externalWorkers } = project.miniflare;
  const { name } = project;
  const socket = (wanted: number) => ({ unsafeDirectSockets: [{ host: "127.0.0.1", port: wanted }] });
  const own = { ...projectWorker(spec, true), name };
  if (gates === undefined) {
    return { workers: [{ ...own, ...socket(port) }, ...externalWorkers], open: name, guarded: [] };
  }
  const owner = ownsAnything(project.miniflare.workerOptions) ? [{ ...gated(own), ...outbound(gates.objects) }] : [];
  const open =
    owner.length > 0
      ? { ...borrowing(own, name, `${name}--open-${gates.mark}`), ...socket(port) }
      : { ...own, ...socket(port) };
  // Without its map a copy of the bundle takes half the time to load; stacks in logs are the bundle's own either way.
  const copy = { ...projectWorker(spec, false), name };
  const guarded = gates.slots.map((path, index) => ({
    ...borrowing(gated(copy), name, `${name}--guarded-${index}-${gates.mark}`),
    ...outbound(path),
    ...socket(0),
  }));
  const others = externalWorkers.map((worker) => ({ ...outbound(gates.objects), ...worker }));
  return {
    workers: [open, ...owner, ...guarded, ...others],
    open: open.name,
    guarded: guarded.map((service) => service.name),
  };
}

function projectWorker({ project, bundle, variables }: WorkerdSpec, withMap: boolean) {
  const { modulesRules: _rules, ...bindings } = project.miniflare.workerOptions;
  const map = Buffer.from(bundle.sourceMap).toString("base64");
  const comment = withMap ? `\n//# sourceMappingURL=data:application/json;base64,${map}` : "";
  return {
    ...bindings,
    modules: [
      { type: "ESModule" as const, path: "worker.js", contents: `${bundle.code}${comment}` },
      ...bundle.modules.map(({ name, type, contents }) => ({ type, path: name.replace("./", ""), contents })),
    ],
    bindings: { ...bindings.bindings, ...variables },
  };
}

function outbound(gate: string) {
  return { outboundService: { external: { address: `unix:${gate}`, http: { style: PROXY_STYLE } } } };
}

function gated<Worker extends Pick<WorkerOptions, "bindings">>(worker: Worker): Worker {
  return { ...worker, bindings: { ...worker.bindings, [EGRESS_GATE_BINDING]: "1" } };
}

type Bindings = WorkerdSpec["project"]["miniflare"]["workerOptions"];

/** Whether code of the project can run on behalf of nobody's call, or be called by its name. */
function ownsAnything({
  durableObjects,
  additionalUnboundDurableObjects,
  workflows,
  queueConsumers,
  serviceBindings,
  tails,
}: Bindings): boolean {
  const owned = [durableObjects, additionalUnboundDurableObjects, workflows, queueConsumers, serviceBindings, tails];
  return owned.some((one) => one !== undefined && Object.keys(one).length > 0);
}

/** The same worker under another name, which uses the owner's objects and workflows and consumes no queues. */
function borrowing<Worker extends NamedWorker>(worker: Worker, owner: string, name: string) {
  const { durableObjects, workflows, zone, ...rest } = worker;
  return {
    ...rest,
    name,
    // What hosts see in `CF-Worker` stays the same.
    zone: zone ?? `${owner}.example.com`,
    additionalUnboundDurableObjects: [],
    queueConsumers: {},
    durableObjects: ofOwner(durableObjects, owner),
    workflows: ofOwner(workflows, owner),
  };
}

function ofOwner<Binding>(bindings: Record<string, Binding> | undefined, owner: string): Record<string, Binding> {
  const entries = Object.entries(bindings ?? {}).map(([binding, value]) => {
    if (typeof value === "string") return [binding, { className: value, scriptName: owner }];
    const scriptName = (value as { scriptName?: string }).scriptName ?? owner;
    return [binding, { ...value, scriptName }];
  });
  return Object.fromEntries(entries) as Record<string, Binding>;
}
