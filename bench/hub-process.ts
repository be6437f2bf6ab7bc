import { processEnvironment, readConfig } from '../src/config/config.ts';
import { createHub } from '../src/hub.ts';

// The hub of the benchmarks, in a process of its own, so that its memory and time are its own.
const hub = await createHub(readConfig(processEnvironment()));
process.send?.({ url: hub.url, databaseUrl: hub.databaseUrl });
process.on('message', message => {
  if (message === 'memory') process.send?.({ rss: memory() });
  if (message === 'cpu') process.send?.({ cpu: (process.cpuUsage().user + process.cpuUsage().system) / 1e6 });
});

/** Gives what is in use, garbage set aside where the process was started with `--expose-gc`. */
function memory(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

process.on('disconnect', () => void hub[Symbol.asyncDispose]());
