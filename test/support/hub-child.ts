// A hub as a process of its own, for tests that kill it; `startHubProcess` runs this.
import { endWithin } from '../../src/cli/signals.ts';
import { readConfig } from '../../src/config/config.ts';
import { systemClock } from '../../src/core/clock.ts';
import { limits } from '../../src/core/limits.ts';
import { createHub } from '../../src/hub.ts';

const config = readConfig(process.env);
const hub = await createHub(config);
process.once('SIGTERM', () => {
  endWithin(config.drainDelayMs + limits.exitMs, systemClock, code => process.exit(code));
  void hub[Symbol.asyncDispose]().then(() => process.exit(0));
});
process.stdout.write(`${JSON.stringify({ url: hub.url })}\n`);
