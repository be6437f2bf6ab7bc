// Writes numbered items to a spool until it is killed, and says which are accepted; `spool.test.ts` runs this.
import { itemOf } from '../../src/publisher/buffered-item.ts';
import { DiskSpool } from '../../src/publisher/disk-spool.ts';
import { input } from './samples.ts';

const spool = new DiskSpool({
  folder: process.argv[2] ?? '',
  fsync: 'never',
  maxItems: 1_000_000,
  maxBytes: 256 * 1_048_576,
  onDamage: error => console.error(error),
});
for (let i = 0; ; i++) {
  try {
    spool.add(itemOf(input({ sourceId: String(i), summary: 'x'.repeat(i % 700) })));
  } catch (error) {
    process.stdout.write(`${i} accepted, then ${String(error)}\n`);
    break;
  }
  if (i % 100 === 0) process.stdout.write(`${i}\n`);
}
