import { createServer } from 'node:http';
import { monotonicMs } from './support.ts';

// The consumer of the benchmarks, in a process of its own: takes everything, answers 200, and tells its parent what it got.
let count = 0;
let first = 0;
let last = 0;
const arrivals: { id: string; at: number }[] = [];

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    response.writeHead(200).end();
    last = monotonicMs();
    if (count === 0) first = last;
    count += 1;
    const mark = /"mark": "([^"]+)"/.exec(Buffer.concat(chunks).toString('latin1'))?.[1];
    if (mark !== undefined) arrivals.push({ id: mark, at: last });
  });
});
server.listen(0, '127.0.0.1', () => process.send?.({ listening: server.address() }));

process.on('message', message => {
  if (message === 'report') process.send?.({ count, first, last, arrivals });
  if (message === 'reset') {
    count = 0;
    arrivals.length = 0;
    process.send?.('reset');
  }
});
process.on('disconnect', () => process.exit());
