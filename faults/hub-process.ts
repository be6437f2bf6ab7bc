// A hub of the lab, in a process of its own: as `hub start`, but that the lab may set its clock.
import { processEnvironment, readConfig } from '../src/config.ts';
import { type Clock, systemClock } from '../src/core/clock.ts';
import { createHub } from '../src/hub.ts';

let offsetMs = 0;
const clock: Clock = { ...systemClock, now: () => systemClock.now() + offsetMs };

process.on('message', message => {
  if (typeof message === 'number') offsetMs = message;
});
// The lab is gone: so is its hub.
process.once('disconnect', () => process.exit(1));
const hub = await createHub(readConfig(processEnvironment()), { clock });
process.once('SIGTERM', () => {
  void hub[Symbol.asyncDispose]().then(() => process.exit(0));
});
process.send?.('up');
