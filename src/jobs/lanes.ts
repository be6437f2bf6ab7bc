import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { lanesOf, parseLane } from '../core/lane-key.ts';
import { limits } from '../core/limits.ts';
import type { Span } from '../core/tracing.ts';
import { takeProbesDue } from '../db/delivery/breaker-statements.ts';
import { lanesWithWork } from '../db/delivery/lane-statements.ts';
import { LaneDrain } from '../delivery/drain/drain.ts';
import type { DrainDeps } from '../delivery/drain/drain-deps.ts';
import { type DrainMode, webhookMode } from '../delivery/drain/drain-mode.ts';
import type { Transport } from '../delivery/drain/lane.ts';
import { probeLane } from '../delivery/drain/probe.ts';
import type { Nodes } from './nodes.ts';
import type { LaneJob, LaneJobName, LaneQueue } from './queues.ts';
import { sendTraced, startJob } from './traced-jobs.ts';

/** The consumers attached to this process. */
interface AttachedConsumers {
  poke(lanes: Iterable<string>): void;
  reread(lane: string): void;
}

/** Holds what lanes work with. */
export interface LanesDeps extends DrainDeps {
  /** The webhook. */
  readonly transport: Transport;
  readonly nodes: Nodes;
}

/**
 * The lanes of this process: passes wake-ups to the queue, runs the drains that the queue hands it, and pokes a
 * drain that is running here instead of asking the queue.
 */
export class Lanes {
  readonly #queue: LaneQueue;
  readonly #deps: LanesDeps;
  readonly #clock: Clock;
  readonly #drains = new Map<string, LaneDrain>();
  readonly #running = new Set<Promise<void>>();
  /** Lanes found closed, until when: their wake-ups are not worth a job; the reconciler looks again by then. */
  readonly #closedUntil = new Map<string, number>();
  /** Lanes that were reopened while their drain was ending: what it saw of them no longer holds. */
  readonly #reopened = new Set<string>();
  readonly #giveUp = new AbortController();
  readonly #webhook: DrainMode;
  #consumers: AttachedConsumers | undefined;
  #pending = new Set<string>();
  /** Lanes that other nodes are still to be told of. */
  #untold = new Set<string>();
  /** Says whom the pending ones are for, as far as that is traced. */
  #wakers = new Set<Span>();
  #cancelFlush: (() => void) | undefined;
  #worker: AsyncDisposable | undefined;
  #stopLooking: (() => void) | undefined;
  #isLooking = false;
  #stopping = false;

  constructor(queue: LaneQueue, deps: LanesDeps) {
    this.#queue = queue;
    this.#deps = deps;
    this.#clock = deps.clock;
    this.#webhook = webhookMode(deps.transport);
    deps.nodes.on('lanes', lanes => this.#poke(lanes));
    deps.nodes.on('reopened', lanes => {
      for (const lane of lanes) this.#reopenHere(lane);
    });
  }

  /** Sets whom to poke beside the drains. */
  serve(consumers: AttachedConsumers): void {
    this.#consumers = consumers;
  }

  /** Starts taking lanes from the queue. */
  async start(): Promise<void> {
    this.#worker = await this.#queue.work((name, job) => this.#process(name, job));
    this.#stopLooking = this.#clock.every(limits.workerLookMs, () => void this.#lookAlone());
    // A drain that lingers here is poked by who records elsewhere; the queue would tell it only once it has ended.
    this.#deps.nodes.want('lanes', true);
  }

  /**
   * Says that lanes have something due; of a subscription's id, whoever takes it finds the shards. Never throws and
   * never waits: the reconciler finds what gets lost.
   */
  wake(lanes: Iterable<string>): void {
    if (this.#stopping) return;
    const now = this.#clock.steady();
    const woken = [...lanes];
    this.#poke(woken);
    const waker = this.#deps.tracer?.current();
    if (waker !== undefined && this.#wakers.size < limits.spanWakers) this.#wakers.add(waker);
    const tell = this.#deps.nodes.isWanted('lanes');
    for (const lane of woken) {
      if (tell) this.#untold.add(lane);
      if (!this.#drains.has(lane) && (this.#closedUntil.get(lane) ?? 0) <= now) this.#pending.add(lane);
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

  /** Stops taking lanes, hands them to other workers, and waits for the drains under way, `limits.stopMs` at most. */
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
  async #handOver(lane: string): Promise<void> {
    await this.#queue
      .add('drain', [lane])
      .catch((error: unknown) =>
        this.#deps.log.debug({ lane, error: messageOf(error) }, 'a lane waits for the reconciler'),
      );
  }

  #poke(lanes: Iterable<string>): void {
    const subscriptions = new Set<string>();
    for (const lane of lanes) {
      this.#drains.get(lane)?.poke();
      subscriptions.add(parseLane(lane).subscriptionId);
    }
    this.#consumers?.poke(subscriptions);
  }

  #reopenHere(subscriptionId: string): void {
    const isItsOwn = (lane: string) => parseLane(lane).subscriptionId === subscriptionId;
    for (const lane of this.#closedUntil.keys()) if (isItsOwn(lane)) this.#closedUntil.delete(lane);
    for (const [lane, drain] of this.#drains) {
      if (!isItsOwn(lane)) continue;
      this.#reopened.add(lane);
      drain.reread();
    }
    this.#consumers?.reread(subscriptionId);
  }

  async #flush(): Promise<void> {
    this.#cancelFlush = undefined;
    this.#deps.nodes.tell('lanes', [...this.#untold]);
    this.#untold = new Set();
    const lanes = [...this.#pending].filter(lane => !this.#drains.has(lane));
    this.#pending = new Set();
    const wakers = [...this.#wakers];
    this.#wakers = new Set();
    if (lanes.length === 0) return;
    try {
      await sendTraced(this.#deps.tracer, this.#queue, lanes, wakers);
    } catch (error) {
      this.#deps.log.warn(
        { lanes: lanes.length, error: messageOf(error) },
        'wake-ups did not reach the queue',
      );
      // Claims keep apart drains of one lane wherever they run, so a worker may go on without the queue.
      if (this.#worker !== undefined) for (const lane of lanes) void this.#process('drain', { lane });
    }
  }

  /** While the queue is away nobody hands out lanes: a worker finds due work in the database, and claims keep workers apart. */
  async #lookAlone(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      if (await this.#queue.isReady()) return;
      const now = this.#clock.steady();
      const isIdle = (lane: string) => !this.#drains.has(lane) && (this.#closedUntil.get(lane) ?? 0) <= now;
      const lanes = (await lanesWithWork(this.#deps.db.pool)).filter(isIdle);
      for (const lane of lanes.slice(0, Math.max(0, limits.lanesPerWorker - this.#drains.size)))
        void this.#process('drain', { lane });
      for (const lane of await this.#takeProbes()) void this.#process('probe', { lane });
    } catch (error) {
      this.#deps.log.warn({ error: messageOf(error) }, 'a worker without its queue waits for the database');
    } finally {
      this.#isLooking = false;
    }
  }

  #takeProbes(): Promise<string[]> {
    return takeProbesDue(this.#deps.db.pool, limits.probeFirstMs, limits.probeMaxMs);
  }

  async #process(name: LaneJobName, job: LaneJob): Promise<void> {
    const { lane } = job;
    const span = startJob(this.#deps.tracer, job);
    const work = name === 'probe' ? this.#probe(lane) : this.#drain(lane, () => span?.end());
    const tracked = work.catch((error: unknown) =>
      this.#deps.log.error({ lane, err: error }, `${name} failed`),
    );
    this.#running.add(tracked);
    await tracked.finally(() => this.#running.delete(tracked));
    span?.end();
  }

  async #probe(lane: string): Promise<void> {
    if (this.#stopping) return;
    if (await probeLane(this.#deps, lane)) this.reopen(lane);
  }

  async #drain(lane: string, onBegun: () => void): Promise<void> {
    const running = this.#drains.get(lane);
    if (running !== undefined) return running.poke();
    if (this.#stopping) return this.#handOver(lane);
    const drain = new LaneDrain(this.#deps, {
      ...parseLane(lane),
      mode: this.#webhook,
      isCrowded: () => this.#drains.size >= limits.lanesPerWorker,
    });
    this.#drains.set(lane, drain);
    try {
      const end = await drain.run(onBegun);
      if (end === 'resharded') for (const now of lanesNow(lane, drain.lanes)) this.#pending.add(now);
      else if (end === 'stopped') await this.#handOver(lane);
      else if (this.#reopened.has(lane) || end === 'turn-over') this.#pending.add(lane);
      else if (end === 'closed') this.#closedUntil.set(lane, this.#clock.steady() + limits.reconcileMs);
    } finally {
      this.#drains.delete(lane);
      this.#reopened.delete(lane);
      if (this.#pending.size > 0) this.wake([]);
    }
  }
}

/** The lanes that a subscription has by now. */
function lanesNow(lane: string, lanes: number): string[] {
  return lanesOf(parseLane(lane).subscriptionId, lanes);
}
