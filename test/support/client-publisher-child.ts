// A publisher with a spool as a process of its own, for tests that kill it: records without end, says what is accepted.
import { setTimeout as breathe } from 'node:timers/promises';
import { Publisher } from '../../clients/typescript/src/index.ts';
import { voucherRequest } from './client.ts';

const [url = '', key = '', spoolDir = ''] = process.argv.slice(2);
const publisher = new Publisher({ url, key, spoolDir, batchItems: 50 });
for (let i = 0; ; i++) {
  const answer = publisher.record(voucherRequest(`INV-${i % 40}`, { businessData: { n: String(i) } }));
  if (answer !== 'accepted') throw new Error(answer);
  if (i % 20 === 0) {
    process.stdout.write(`${i}\n`);
    await breathe(4);
  }
}
