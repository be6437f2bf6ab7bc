import { createServer } from 'node:net';
import { monotonicMs } from './support.ts';

// The consumer of the benchmarks, in a process of its own: takes everything, answers 200, and tells its parent what it
// got. It shares the processors with what is measured, so it reads HTTP/1.1 no further than it must: where a request's
// head ends, how long its body is, and a mark in it.
let count = 0;
let first = 0;
let last = 0;
const arrivals: { id: string; at: number }[] = [];

const answer = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
const headEnd = Buffer.from('\r\n\r\n');
/** As undici writes it, which all senders here are. */
const lengthField = Buffer.from('\r\ncontent-length: ');

const server = createServer({ noDelay: true }, socket => {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      const head = rest.indexOf(headEnd);
      if (head < 0) return;
      const length = Number.parseInt(
        rest.toString('latin1', rest.indexOf(lengthField) + lengthField.length, head),
        10,
      );
      const end = head + headEnd.length + length;
      if (rest.length < end) return;
      took(rest.subarray(head + headEnd.length, end));
      rest = rest.subarray(end);
      socket.write(answer);
    }
  });
  socket.on('error', () => socket.destroy());
});

const mark = Buffer.from('"mark": "');
function took(body: Buffer): void {
  last = monotonicMs();
  if (count === 0) first = last;
  count += 1;
  const at = body.indexOf(mark);
  if (at >= 0)
    arrivals.push({
      id: body.toString('latin1', at + mark.length, body.indexOf('"', at + mark.length)),
      at: last,
    });
}
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
