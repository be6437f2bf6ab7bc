import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { parseShard, shardNamesOf } from '../core/shard-key.ts';
import type { Span } from '../core/tracing.ts';
import { takeProbesDue } from '../db/delivery/breaker-statements.ts';
import { shardsWithWork } from '../db/delivery/shard-statements.ts';
import type { Transport } from '../delivery/drain/delivery-settings.ts';
import { Drain } from '../delivery/drain/drain.ts';
import type { DrainDeps } from '../delivery/drain/drain-deps.ts';
import { type DrainMode, webhookMode } from '../delivery/drain/drain-mode.ts';
import { probeSubscription } from '../delivery/drain/probe.ts';
import type { Nodes } from './nodes.ts';
import type { WakeUp, WakeUpName, WakeUpQueue } from './queues.ts';
import { sendTraced, startJob } from './traced-jobs.ts';

/** The consumers attached to this process. */
interface AttachedConsumers {
  notify(shards: Iterable<string>): void;
  reread(shard: string): void;
}

/** Holds what drains work with. */
export interface DrainsDeps extends DrainDeps {
  /** The webhook. */
  readonly transport: Transport;
  readonly nodes: Nodes;
}

/**
 * The drains of this process: passes wake-ups to the queue, runs what the queue hands it, and notifies a drain that is
 * running here instead of asking the queue.
 */
export class Drains {
  readonly #queue: WakeUpQueue;
  readonly #deps: DrainsDeps;
  readonly #clock: Clock;
  readonly #drains = new Map<string, Drain>();
  readonly #running = new Set<Promise<void>>();
  /** Drains found closed, until when: their wake-ups are not worth a job; the reconciler looks again by then. */
  readonly #closedUntil = new Map<string, number>();
  /** Drains that were reopened while their drain was ending: what it saw of them no longer holds. */
  readonly #reopened = new Set<string>();
  readonly #giveUp = new AbortController();
  readonly #webhook: DrainMode;
  #consumers: AttachedConsumers | undefined;
  #pending = new Set<string>();
  /** Drains that other nodes are still to be told of. */
  #untold = new Set<string>();
  /** Says whom the pending ones are for, as far as that is traced. */
  #wakers = new Set<Span>();
  #cancelFlush: (() => void) | undefined;
  #worker: AsyncDisposable | undefined;
  #stopLooking: (() => void) | undefined;
  #isLooking = false;
  #stopping = false;

  constructor(queue: WakeUpQueue, deps: DrainsDeps) {
    this.#queue = queue;
    this.#deps = deps;
    this.#clock = deps.clock;
    this.#webhook = webhookMode(deps.transport);
    deps.nodes.on('shards', shards => this.#notify(shards));
    deps.nodes.on('reopened', shards => {
      for (const shard of shards) this.#reopenHere(shard);
    });
  }

  /** Sets who is notified beside the drains. */
  serve(consumers: AttachedConsumers): void {
    this.#consumers = consumers;
  }

  /** Starts taking shards from the queue. */
  async start(): Promise<void> {
    this.#worker = await this.#queue.work((name, job) => this.#process(name, job));
    this.#stopLooking = this.#clock.every(limits.workerLookMs, () => void this.#lookAlone());
    // A drain that lingers here is notified by who records elsewhere; the queue would tell it only once it has ended.
    this.#deps.nodes.want('shards', true);
  }

  /**
   * Says that shards have something due; of a subscription's id, whoever takes it finds the shards. Never throws and
   * never waits: the reconciler finds what gets lost.
   */
  wake(shards: Iterable<string>): void {
    if (this.#stopping) return;
    const now = this.#clock.steady();
    const woken = [...shards];
    this.#notify(woken);
    const waker = this.#deps.tracer?.current();
    if (waker !== undefined && this.#wakers.size < limits.spanWakers) this.#wakers.add(waker);
    const tell = this.#deps.nodes.isWanted('shards');
    for (const shard of woken) {
      if (tell) this.#untold.add(shard);
      if (!this.#drains.has(shard) && (this.#closedUntil.get(shard) ?? 0) <= now) this.#pending.add(shard);
    }
    if (this.#pending.size + this.#untold.size > 0)
      this.#cancelFlush ??= this.#clock.after(limits.wakeJoinMs, () => void this.#flush());
  }

  /** Works as `wake`, for a subscription whose settings or state have changed, on every node. */
  reopen(subscriptionId: string): void {
    this.#deps.nodes.tell('reopened', [subscriptionId]);
    this.#reopenHere(subscriptionId);
    this.wake([subscriptionId]);
  }

  /** Asks for the probes that are due of suspended subscriptions. While the queue is away workers find them by themselves. */
  async probeDue(): Promise<void> {
    if (!(await this.#queue.isReady())) return;
    const due = await this.#takeProbes();
    if (due.length > 0) await this.#queue.add('probe', due);
  }

  /** Stops taking shards, hands them to other workers, and waits for the drains under way, `limits.stopMs` at most. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#stopLooking?.();
    // Takes no more jobs from here on, and waits for those under way.
    const closed = this.#worker?.[Symbol.asyncDispose]();
    this.#cancelFlush?.();
    if (this.#pending.size + this.#untold.size > 0) await this.#flush();
    const cancel = this.#clock.after(limits.stopMs, () => this.#giveUp.abort());
    for (const drain of this.#drains.values()) drain.stop(this.#giveUp.signal);
    await Promise.all(this.#running);
    await closed;
    cancel();
  }

  /** Gives what this process drained is another's at once: the wake-up becomes a job when this one's is over. */
  async #handOver(shard: string): Promise<void> {
    await this.#queue
      .add('drain', [shard])
      .catch((error: unknown) =>
        this.#deps.log.debug({ shard, error: messageOf(error) }, 'a shard waits for the reconciler'),
      );
  }

  #notify(shards: Iterable<string>): void {
    const subscriptions = new Set<string>();
    for (const shard of shards) {
      this.#drains.get(shard)?.notify();
      subscriptions.add(parseShard(shard).subscriptionId);
    }
    this.#consumers?.notify(subscriptions);
  }

  #reopenHere(subscriptionId: string): void {
    const isItsOwn = (shard: string) => parseShard(shard).subscriptionId === subscriptionId;
    for (const shard of this.#closedUntil.keys()) if (isItsOwn(shard)) this.#closedUntil.delete(shard);
    for (const [shard, drain] of this.#drains) {
      if (!isItsOwn(shard)) continue;
      this.#reopened.add(shard);
      drain.reread();
    }
    this.#consumers?.reread(subscriptionId);
  }

  async #flush(): Promise<void> {
    this.#cancelFlush = undefined;
    this.#deps.nodes.tell('shards', [...this.#untold]);
    this.#untold = new Set();
    const shards = [...this.#pending].filter(shard => !this.#drains.has(shard));
    this.#pending = new Set();
    const wakers = [...this.#wakers];
    this.#wakers = new Set();
    if (shards.length === 0) return;
    try {
      await sendTraced(this.#deps.tracer, this.#queue, shards, wakers);
    } catch (error) {
      this.#deps.log.warn(
        { shards: shards.length, error: messageOf(error) },
        'wake-ups did not reach the queue',
      );
      // Claims keep apart drains of one shard wherever they run, so a worker may go on without the queue.
      if (this.#worker !== undefined) for (const shard of shards) void this.#process('drain', { shard });
    }
  }

  /** While the queue is away nobody hands out shards: a worker finds due work in the database, and claims keep workers apart. */
  async #lookAlone(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      if (await this.#queue.isReady()) return;
      const now = this.#clock.steady();
      const isIdle = (shard: string) =>
        !this.#drains.has(shard) && (this.#closedUntil.get(shard) ?? 0) <= now;
      const shards = (await shardsWithWork(this.#deps.db.pool)).filter(isIdle);
      for (const shard of shards.slice(0, Math.max(0, limits.drainsPerWorker - this.#drains.size)))
        void this.#process('drain', { shard });
      for (const shard of await this.#takeProbes()) void this.#process('probe', { shard });
    } catch (error) {
      this.#deps.log.warn({ error: messageOf(error) }, 'a worker without its queue waits for the database');
    } finally {
      this.#isLooking = false;
    }
  }

  #takeProbes(): Promise<string[]> {
    return takeProbesDue(this.#deps.db.pool, limits.probeFirstMs, limits.probeMaxMs);
  }

  async #process(name: WakeUpName, job: WakeUp): Promise<void> {
    const { shard } = job;
    const span = startJob(this.#deps.tracer, job);
    const work = name === 'probe' ? this.#probe(shard) : this.#drain(shard, () => span?.end());
    const tracked = work.catch((error: unknown) =>
      this.#deps.log.error({ shard, err: error }, `${name} failed`),
    );
    this.#running.add(tracked);
    await tracked.finally(() => this.#running.delete(tracked));
    span?.end();
  }

  async #probe(shard: string): Promise<void> {
    if (this.#stopping) return;
    if (await probeSubscription(this.#deps, shard)) this.reopen(shard);
  }

  async #drain(shard: string, onBegun: () => void): Promise<void> {
    const running = this.#drains.get(shard);
    if (running !== undefined) return running.notify();
    if (this.#stopping) return this.#handOver(shard);
    const drain = new Drain(this.#deps, {
      ...parseShard(shard),
      mode: this.#webhook,
      isCrowded: () => this.#drains.size >= limits.drainsPerWorker,
    });
    this.#drains.set(shard, drain);
    try {
      const end = await drain.run(onBegun);
      if (end === 'resharded') for (const now of shardsNow(shard, drain.shards)) this.#pending.add(now);
      else if (end === 'stopped') await this.#handOver(shard);
      else if (this.#reopened.has(shard) || end === 'turn-over') this.#pending.add(shard);
      else if (end === 'closed') this.#closedUntil.set(shard, this.#clock.steady() + limits.reconcileMs);
    } finally {
      this.#drains.delete(shard);
      this.#reopened.delete(shard);
      if (this.#pending.size > 0) this.wake([]);
    }
  }
}

/** The shards that a subscription has by now. */
function shardsNow(shard: string, shards: number): string[] {
  return shardNamesOf(parseShard(shard).subscriptionId, shards);
}
