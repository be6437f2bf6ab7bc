// A hub as a process of its own, for tests that kill it; `startHubProcess` runs this.
import { readConfig } from '../../src/config.ts';
import { createHub } from '../../src/hub.ts';

const hub = await createHub(readConfig(process.env));
process.once('SIGTERM', () => {
  void hub[Symbol.asyncDispose]().then(() => process.exit(0));
});
process.stdout.write(`${JSON.stringify({ url: hub.url })}\n`);
