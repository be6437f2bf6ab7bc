// A hub of the lab, in a process of its own: as `hub start`, but that the lab may set its clock.
import { endWithin } from '../src/cli/signals.ts';
import { processEnvironment, readConfig } from '../src/config/config.ts';
import { type Clock, systemClock } from '../src/core/clock.ts';
import { limits } from '../src/core/limits.ts';
import { createHub } from '../src/hub.ts';

let offsetMs = 0;
const clock: Clock = { ...systemClock, now: () => systemClock.now() + offsetMs };

process.on('message', message => {
  if (typeof message === 'number') offsetMs = message;
});
// The lab is gone: so is its hub.
process.once('disconnect', () => process.exit(1));
// As without the lab: a start that waits for nothing any more ends the process.
process.channel?.unref();
const config = readConfig(processEnvironment());
const hub = await createHub(config, { clock });
process.once('SIGTERM', () => {
  endWithin(config.drainDelayMs + limits.exitMs, systemClock, code => process.exit(code));
  void hub[Symbol.asyncDispose]().then(() => process.exit(0));
});
process.send?.('up');
