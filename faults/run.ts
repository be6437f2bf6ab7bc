import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { seeded } from '../test/support/random.ts';
import { AtOnce } from './at-once.ts';
import { check, type Violation } from './checker.ts';
import type { History } from './history.ts';
import { Lab } from './lab.ts';
import { perform } from './perform.ts';
import { calmAfter, type Fault, placesOf, planFaults, type Scene } from './plan.ts';
import { checkRecovery, type DoneFault } from './recovery.ts';
import { sceneOf } from './scene.ts';
import type { Waits } from './waits.ts';

/** Holds what a run is asked for. */
export interface RunOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly queue: Scene['queue'];
  /** Says where the lab works and the hubs' logs stay; undefined: a temporary folder, which goes where all was well. */
  readonly keepIn: string | undefined;
  readonly signal: AbortSignal;
  readonly note: (line: string) => void;
  /** Is told of each wait, so that a lab that does not end can say why. */
  readonly waits: Waits;
}

/** Holds what came of a run. */
export interface RunResult {
  readonly options: Pick<RunOptions, 'seed' | 'minutes' | 'queue'>;
  readonly scene: Scene;
  readonly history: History;
  readonly done: readonly DoneFault[];
  readonly refusals: ReadonlyMap<string, number>;
  readonly violations: readonly Violation[];
  /** From the end of the load until no sync was unfinished, milliseconds. */
  readonly drainedMs: number;
  /** The folder with the hubs' logs, where it was kept. */
  readonly logsIn: string | undefined;
}

/**
 * Sets how long publishers may take for their last acknowledgements, and shards to become empty, once all is healed,
 * milliseconds.
 */
const lastWordsMs = 60_000;
const drainMs = 90_000;

/** Sets how long to wait after that for what is still on its way to a consumer, milliseconds. */
const strayMs = 1_000;

/**
 * Runs a lab from its start to its verdict, and ends it. Its temporary folder stays where something was violated or
 * the lab failed: nobody would else know why.
 */
export async function run(options: RunOptions): Promise<RunResult> {
  const { signal, note, keepIn, waits } = options;
  const folder = keepIn ?? (await mkdtemp(path.join(tmpdir(), 'hub-faults-')));
  const removal = { recursive: true, force: true, maxRetries: 5 };
  let isKept = keepIn !== undefined;
  using atOnce = new AtOnce();
  if (!isKept) atOnce.defer(() => rmSync(folder, removal));
  try {
    const result = await runIn(folder, options, atOnce);
    isKept ||= result.violations.length > 0;
    return { ...result, logsIn: isKept ? folder : undefined };
  } catch (error) {
    isKept ||= !signal.aborted;
    if (isKept) note(`the lab failed; the hubs' logs are in ${folder}`);
    throw error;
  } finally {
    if (!isKept) await waits.during('the removal of its folder', rm(folder, removal));
  }
}

async function runIn(
  folder: string,
  options: RunOptions,
  atOnce: AtOnce,
): Promise<Omit<RunResult, 'logsIn'>> {
  const { seed, minutes, queue, signal, note, waits } = options;
  const scene = sceneOf(seed, queue);
  const plan = planFaults(seed, minutes, scene);
  const random = seeded(seed).random;
  const lab = await waits.during('the start', Lab.open({ seed, queue, folder, random, atOnce }));
  await using _end = {
    [Symbol.asyncDispose]: () => waits.during('the end of all parts', lab[Symbol.asyncDispose]()),
  };
  signal.throwIfAborted();
  note(`${scene.nodes.length} hubs are up; ${plan.length} faults in ${minutes} min`);
  const giveUp = new AbortController();
  // Not before the signal itself: what waits on this is disposed of by it.
  signal.addEventListener('abort', () => giveUp.abort(), { once: true });
  const publishing = Promise.all(lab.publishers.map(publisher => publisher.run(giveUp.signal)));
  const done = await doFaults(lab, plan, { signal, note, waits });
  await pause(calmAfter * 1_000, undefined, { signal });
  note('all is healed; what is under way is finished');
  for (const publisher of lab.publishers) publisher.stop();
  const tooLong = setTimeout(() => giveUp.abort(), lastWordsMs);
  await waits.during('the last acknowledgements', publishing);
  clearTimeout(tooLong);
  if (giveUp.signal.aborted && !signal.aborted)
    lab.recorder.faultsOfHub.push(`publishers had no acknowledgement ${lastWordsMs} ms after all was healed`);
  signal.throwIfAborted();
  const drainedMs = await waits.during('empty shards', drain(lab, signal));
  const history = await waits.during('the sync logs', historyOf(lab));
  return {
    options: { seed, minutes, queue },
    scene,
    history,
    done,
    refusals: lab.recorder.refusals,
    violations: [...check(history), ...checkRecovery(history, done)],
    drainedMs,
  };
}

/** Does each fault at its time; resolves when the last one is healed. */
async function doFaults(
  lab: Lab,
  plan: readonly Fault[],
  { signal, note, waits }: Pick<RunOptions, 'signal' | 'note' | 'waits'>,
): Promise<DoneFault[]> {
  const startedAt = lab.recorder.now();
  const done: DoneFault[] = [];
  const lastAt = new Map<string, Promise<void>>();
  const one = async (fault: Fault, before: Promise<unknown>) => {
    await pause(Math.max(0, startedAt + fault.at * 1_000 - lab.recorder.now()), undefined, { signal });
    // A process may take longer than planned to stop and to start, above all on a busy machine.
    await before;
    const from = lab.recorder.now();
    note(`${fault.kind} ${fault.target}${fault.lasts === 0 ? '' : ` for ${fault.lasts} s`}`);
    const over = () => pause(fault.lasts * 1_000, undefined, { signal });
    await waits.during(`${fault.kind} ${fault.target}`, perform(lab, fault, over));
    done.push({ fault, from, until: lab.recorder.now() });
  };
  const all = plan.map(fault => {
    const places = placesOf(fault);
    const doing = one(fault, Promise.all(places.flatMap(place => lastAt.get(place) ?? [])));
    for (const place of places)
      lastAt.set(
        place,
        doing.catch(() => {}),
      );
    return doing;
  });
  // A fault may take its time to heal; who asked for a stop does not wait for that.
  const stopped = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
  );
  await Promise.race([Promise.all(all), stopped]);
  return done;
}

/** Waits until no sync is unfinished, `drainMs` at most: what is then left the checker finds. */
async function drain(lab: Lab, signal: AbortSignal): Promise<number> {
  const startedAt = lab.recorder.now();
  // As an operator does who knows that all targets are back, rather than to wait for the next probe.
  for (const { id } of lab.subscriptions.values()) await lab.operator.setState(id, 'resume');
  while ((await lab.operator.unfinished()) > 0 && lab.recorder.now() - startedAt < drainMs)
    await pause(250, undefined, { signal });
  const drainedMs = lab.recorder.now() - startedAt;
  await pause(strayMs, undefined, { signal });
  return drainedMs;
}

async function historyOf(lab: Lab): Promise<History> {
  const subscriptions = [...lab.subscriptions.values()];
  const { published, received, databaseCrashes, faultsOfHub } = lab.recorder;
  const syncs = [];
  for (const { id } of subscriptions) syncs.push(...(await lab.operator.log(id)));
  return { subscriptions, published, received, syncs, databaseCrashes, faultsOfHub };
}
