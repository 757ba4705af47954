// One hosted session: checks its worker, then hosts a provider there, and tells truly how it is.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type {
  StartHostedPluginRequest,
  StartPluginRuntimeSessionRequest,
} from "../../gen/gestalt/provider/v1/runtime_pb.ts";
import { GrpcCode } from "../../wire/codes.ts";
import type { WorkerHosting } from "../channel/worker-hosting.ts";
import { BridgeError } from "../errors.ts";
import type { BridgeContext } from "../lifecycle/bridge.ts";
import { bothLogs } from "../runtime-logs/both-logs.ts";
import { HostedLog } from "../runtime-logs/hosted-log.ts";
import { FLUSH_MS } from "../runtime-logs/limits.ts";
import { joinEarly } from "../target/join-early.ts";
import type { Target } from "../target/target.ts";
import { type Assembly, assembleProvider } from "./assemble-provider.ts";
import { checkWorker, openWorker, type WorkerCheck } from "./check-worker.ts";
import { type HostedKind, hostedKind } from "./hosted-kind.ts";
import { encodeSession, type KeptProvider, type KeptSession, keyOfSession } from "./kept-session.ts";
import type { SessionState } from "./session-state.ts";
import { stopBudget } from "./stop-budget.ts";
import type { WorkerTargets } from "./worker-targets.ts";

/** A restored session whose worker does not answer is asked for again this often, in milliseconds: it may come back. */
const RECHECK_MS = 2_000;

/** Of a worker that has said nothing. */
const NO_HOSTING: WorkerHosting = { hostChannel: false, uses: [] };

export class HostedSession {
  readonly id: string;
  readonly startedAt: Date;
  readonly #request: StartPluginRuntimeSessionRequest;
  readonly #kind: HostedKind;
  readonly #targets: WorkerTargets;
  readonly #context: BridgeContext;
  readonly #log: HostedLog;
  #state: SessionState = { type: "pending" };
  /** What the worker said when it was asked last. */
  #found: WorkerCheck | undefined;
  #hosted: { readonly kept: KeptProvider; readonly assembly: Assembly } | "starting" | undefined;
  #stopping: Promise<void> | undefined;

  /** @throws BridgeError INVALID_ARGUMENT when the request is for what no session can host. */
  constructor(
    { id, startedAt, request }: Pick<KeptSession, "id" | "startedAt" | "request">,
    targets: WorkerTargets,
    context: BridgeContext,
  ) {
    this.id = id;
    this.startedAt = startedAt;
    this.#request = request;
    this.#kind = hostedKind(request.metadata);
    this.#targets = targets;
    const { hostClient: client, secrets, log, env } = context;
    this.#log = new HostedLog({ session: id, client, secrets, log, env });
    this.#context = { ...context, log: bothLogs(log, this.#log) };
  }

  static create(request: StartPluginRuntimeSessionRequest, targets: WorkerTargets, context: BridgeContext) {
    return new HostedSession({ id: randomUUID(), startedAt: new Date(), request }, targets, context);
  }

  get pluginName(): string {
    return this.#request.pluginName;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** gestaltd asks for the session, so it knows it: its log can be sent. */
  asked(): void {
    this.#log.registered();
  }

  /** Calls in flight may still finish; nothing new is taken on. */
  get stopping(): boolean {
    return this.#stopping !== undefined;
  }

  /** What gestaltd gave, then what it reads back: `plugin` is what its admin list shows, the rest tells images apart. */
  get metadata(): Record<string, string> {
    return { ...this.#request.metadata, plugin: this.pluginName, ...this.#found?.image };
  }

  /** Finds the worker and asks it what it serves; ends in `ready` or `failed`, never rejects. */
  async prepare(): Promise<void> {
    const { template, image } = this.#request;
    const { kind } = this.#kind;
    const found = await checkWorker({ id: this.id, template, image, pluginName: this.pluginName, kind }, this.#targets);
    if (this.stopping) return;
    const { state } = found;
    const known = this.#state.type === "failed" && state.type === "failed" && this.#state.message === state.message;
    this.#state = state;
    this.#found = found;
    await this.keep();
    if (state.type === "ready") this.#log.write("runtime", `the worker at ${found.target?.description} is ready`);
    if (state.type !== "failed" || known) return;
    // gestaltd shows the operator no more than "failed"; this line reaches its stderr.
    this.#context.log.error("session failed", { plugin: this.pluginName, reason: state.reason, cause: state.message });
  }

  /**
   * Serves the provider on `path`, with its host services at hand.
   *
   * @throws BridgeError FAILED_PRECONDITION when the session is not ready; ALREADY_EXISTS when it hosts one already.
   */
  async startProvider(request: StartHostedPluginRequest, path: string): Promise<void> {
    const { target, provider } = this.#requireReady();
    if (this.#hosted !== undefined) {
      const message = `session ${this.id} already runs its plugin; start another session`;
      throw new BridgeError(GrpcCode.alreadyExists, message);
    }
    this.#hosted = "starting";
    try {
      const kept = { request, path, provider, config: undefined, revision: 0, hostChannel: false };
      await this.#host(kept, target, this.#found?.hosting ?? NO_HOSTING);
      await this.keep();
    } catch (error) {
      this.#hosted = undefined;
      throw error;
    }
  }

  /**
   * Goes on where the predecessor of this process was: serves the same socket with the same session, and finds out beside
   * that whether its worker is still there.
   */
  async restore({ failed, hosted }: KeptSession): Promise<void> {
    this.#log.registered();
    this.#log.write("runtime", "the bridge was started again and goes on with this session");
    if (failed !== undefined) {
      this.#state = failed;
      return;
    }
    if (hosted !== undefined) {
      const target = await openWorker(this.#request, this.#targets);
      void joinEarly(target);
      await this.#host(hosted, target);
    }
    void this.#recheck();
  }

  /** The session is there and says what is wrong with it. */
  fail(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#state = { type: "failed", reason: "worker-unavailable", message };
    this.#context.log.error("a session cannot go on", { plugin: this.pluginName, error });
  }

  /** Remembers the session for a successor of this process. */
  keep(): Promise<void> {
    const { id, startedAt } = this;
    const failed = this.#state.type === "failed" && !this.#isHosting() ? this.#state : undefined;
    const hosted = typeof this.#hosted === "object" ? this.#hosted.kept : undefined;
    const kept = { id, startedAt, request: this.#request, failed, hosted };
    return this.#context.keeper.keep(keyOfSession(id), encodeSession(kept));
  }

  /** A successor is not to have it. */
  forget(): void {
    this.#context.keeper.forget(keyOfSession(this.id));
  }

  /**
   * Takes no more calls, lets those in flight finish, tells the worker. `deadline` is when gestaltd stops waiting, in
   * milliseconds since the epoch. Calls that overlap share one end.
   */
  stop(deadline: number | undefined): Promise<void> {
    this.#stopping ??= this.#stop(deadline);
    return this.#stopping;
  }

  async #stop(deadline: number | undefined): Promise<void> {
    const budget = stopBudget(deadline);
    const assembly = typeof this.#hosted === "object" ? this.#hosted.assembly : undefined;
    if (assembly !== undefined) {
      await assembly.provider.drain(budget.graceMs());
      this.#state = { type: "stopped" };
      await assembly.provider.sayGoodbye(budget.goodbyeMs());
      await assembly.unguard();
    }
    await assembly?.unfollow();
    await this.#log.close(FLUSH_MS);
  }

  /** `worker` is what it says about host services; undefined for a session that goes on. */
  async #host(kept: KeptProvider, target: Target, worker?: WorkerHosting): Promise<void> {
    const assembly = this.#assemble(kept, target);
    const { provider } = assembly;
    // Known from here on: a stop also ends a start that is under way.
    this.#hosted = { kept, assembly };
    try {
      let { hostChannel } = kept;
      if (worker === undefined) {
        provider.resumeHosting(hostChannel);
      } else {
        // A guard that cannot be had is told at the start, not at the first call.
        await assembly.target.endpoint();
        hostChannel = await provider.openHosting(worker);
      }
      if (this.stopping) throw new BridgeError(GrpcCode.failedPrecondition, `session ${this.id} is stopping`);
      this.#hosted = { kept: { ...kept, hostChannel }, assembly };
      await provider.listen(kept.path);
    } catch (error) {
      await provider.closeHosting();
      await assembly.unguard();
      await assembly.unfollow();
      throw error;
    }
  }

  #assemble(kept: KeptProvider, target: Target): Assembly {
    return assembleProvider({
      id: this.id,
      name: this.pluginName,
      kind: this.#kind,
      kept,
      target,
      egressMode: this.#found?.egressMode,
      context: this.#context,
      log: this.#log,
      configured: async ({ config, revision }) => {
        if (typeof this.#hosted !== "object") return;
        this.#hosted = { ...this.#hosted, kept: { ...this.#hosted.kept, config, revision } };
        await this.keep();
      },
    });
  }

  async #recheck(): Promise<void> {
    for (;;) {
      await this.prepare();
      const waiting = this.#isHosting() && this.#state.type === "failed" && this.#state.reason === "worker-unavailable";
      if (!waiting) return;
      await sleep(RECHECK_MS, undefined, { ref: false });
      if (this.stopping) return;
    }
  }

  #isHosting(): boolean {
    return this.#hosted !== undefined;
  }

  #requireReady(): { target: Target; provider: string } {
    const target = this.#found?.target;
    if (this.#state.type === "ready" && target !== undefined && !this.stopping) {
      return { target, provider: this.#state.provider };
    }
    const why = this.#state.type === "failed" ? `: ${this.#state.message}` : "";
    const state = this.stopping ? "stopping" : this.#state.type;
    throw new BridgeError(GrpcCode.failedPrecondition, `session ${this.id} is ${state}${why}`);
  }
}
