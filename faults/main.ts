import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { listenForStop } from '../src/cli/signals.ts';
import { errorCodeOf } from '../src/core/errors.ts';
import { fileFault } from '../src/core/file-fault.ts';
import { withoutRedis } from '../test/support/redis.ts';
import { planFaults, planText, type Scene } from './plan.ts';
import { type Report, reportOf, reportText } from './report.ts';
import { run } from './run.ts';
import { sceneOf } from './scene.ts';
import { Waits } from './waits.ts';

const help = `npm run faults -- [options]

Runs several hubs, publishers and consumers over bad networks, does faults to them by a schedule that the seed
gives, heals everything, and holds what was seen from outside against what the hub promises.

  --seed N        the schedule; left out: any, and printed
  --minutes M     how long publishers work and faults are done, 0.5 to 600; default 2
  --queue HOME    redis, postgres or both (at the same time); default both
  --plan          print the schedule and do nothing
  --json          print the figures as JSON
  --keep FOLDER   work in this folder, and leave the hubs' logs there; left out: a temporary one, which stays only
                  where something was violated

Progress goes to standard error. Exit code: 0 nothing was violated, 1 something was, 2 bad usage.

  npm run faults
  npm run faults -- --queue redis --minutes 10
  npm run faults -- --seed 4711 --queue postgres --keep /tmp/lab
`;

/** Holds what was asked for. */
interface Asked {
  readonly seed: number;
  readonly minutes: number;
  readonly queues: readonly Scene['queue'][];
  readonly isPlanOnly: boolean;
  readonly isJson: boolean;
  readonly keepIn: string | undefined;
}

/** @returns a text where it is bad usage */
function read(args: string[]): Asked | string {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string' },
      minutes: { type: 'string', default: '2' },
      queue: { type: 'string', default: 'both' },
      plan: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      keep: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return '';
  const seed = values.seed === undefined ? Math.floor(Math.random() * 1e6) : Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0) return '--seed takes a whole number from 0.';
  const minutes = Number(values.minutes);
  if (!(minutes >= 0.5 && minutes <= 600)) return '--minutes takes a number from 0.5 to 600.';
  const queues = (['redis', 'postgres'] as const).filter(
    home => values.queue === home || values.queue === 'both',
  );
  if (queues.length === 0) return '--queue takes redis, postgres or both.';
  if (queues.includes('redis') && withoutRedis !== false && !values.plan)
    return `${withoutRedis}; install it, or give --queue postgres.`;
  return { seed, minutes, queues, isPlanOnly: values.plan, isJson: values.json, keepIn: values.keep };
}

/** @returns the exit code */
async function main(args: string[]): Promise<number> {
  const asked = readOrSay(args);
  if (typeof asked === 'number') return asked;
  const { seed, minutes, queues } = asked;
  process.stderr.write(`seed ${seed}\n`);
  for (const queue of queues)
    process.stderr.write(`${queue}:\n${planText(planFaults(seed, minutes, sceneOf(seed, queue)))}\n`);
  if (asked.isPlanOnly) return 0;
  const fault = asked.keepIn === undefined ? null : makeFolders(asked.keepIn, queues);
  if (fault !== null) {
    process.stderr.write(`${fault}\n`);
    return 2;
  }
  using stop = listenForStop();
  const waits = new Map(queues.map(queue => [queue, new Waits()]));
  const tooLate = setTimeout(() => giveUp(waits), (minutes + spareMinutes) * 60_000);
  const runs = queues.map(queue => runOne(asked, queue, stop.signal, waits.get(queue) ?? new Waits()));
  // The other is ended in order too before this says so, and listens for no Ctrl-C any more.
  await Promise.allSettled(runs);
  clearTimeout(tooLate);
  const reports = await Promise.all(runs);
  process.stdout.write(
    asked.isJson ? `${JSON.stringify(reports, null, 2)}\n` : `${reports.map(reportText).join('\n\n')}\n`,
  );
  return reports.every(({ violations }) => violations.count === 0) ? 0 : 1;
}

function readOrSay(args: string[]): Asked | number {
  try {
    const asked = read(args);
    if (typeof asked !== 'string') return asked;
    (asked === '' ? process.stdout : process.stderr).write(asked === '' ? help : `${asked}\n`);
    return asked === '' ? 0 : 2;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${help}`);
    return 2;
  }
}

async function runOne(
  { seed, minutes, keepIn }: Asked,
  queue: Scene['queue'],
  signal: AbortSignal,
  waits: Waits,
): Promise<Report> {
  const startedAt = performance.now();
  const note = (line: string) => {
    const at = ((performance.now() - startedAt) / 1_000).toFixed(1);
    process.stderr.write(`${at.padStart(7)} s  ${queue.padEnd(8)}  ${line}\n`);
  };
  const folder = keepIn === undefined ? undefined : path.resolve(keepIn, queue);
  return reportOf(await run({ seed, minutes, queue, keepIn: folder, signal, note, waits }));
}

/** Ends this process, and with it all that it started, after saying what it waits for. */
function giveUp(waits: ReadonlyMap<string, Waits>): never {
  const texts = [...waits].flatMap(([queue, one]) => one.texts().map(what => `${queue}: ${what}`));
  process.stderr.write(`The lab did not end in time. It still waits for ${texts.join('; ') || 'nothing'}.\n`);
  process.exit(1);
}

/** Makes the folders that logs are kept in; the one above them must be there. @returns what is wrong, null for nothing */
function makeFolders(keepIn: string, queues: readonly string[]): string | null {
  for (const folder of [path.resolve(keepIn), ...queues.map(queue => path.resolve(keepIn, queue))]) {
    try {
      mkdirSync(folder, { mode: 0o711 });
    } catch (error) {
      if (errorCodeOf(error) !== 'EEXIST') return `--keep: ${folder} can't be made: ${fileFault(error)}.`;
    }
  }
  return null;
}

/** Sets how long a lab may take beyond its load, minutes: to start, to drain, to read the logs and to end. */
const spareMinutes = 8;

/** What a lab that failed may leave open must not keep its process, milliseconds. */
const lingerMs = 5_000;

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const wasStopped = error instanceof Error && error.name === 'AbortError';
  process.stderr.write(
    wasStopped ? 'Stopped; everything that was started is ended.\n' : `${String(error)}\n`,
  );
  if (!wasStopped && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exitCode = wasStopped ? 130 : 1;
}
setTimeout(() => process.exit(), lingerMs).unref();
