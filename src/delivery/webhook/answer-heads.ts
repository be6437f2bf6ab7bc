import type { Socket } from 'node:net';
import { limits } from '../../core/limits.ts';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
/** The place of the status in `HTTP/1.1 200 OK`, and what an informational one begins with. */
const statusAt = 9;
const informationalDigit = 0x31;
const start = Buffer.from('HTTP/1.');
/** 101 is no announcement: it ends HTTP on the connection, and nobody asked for that. */
const informational = /^HTTP\/1\.\d 1(?!01)\d\d[ \r\n]/;

/**
 * Stands before undici's parser on one connection and puts right what RFC 9110 and RFC 9112 let a target send and the
 * parser refuses: informational answers before the final one are taken out (undici takes an unasked 100 for a broken
 * answer), and a head whose lines end with a bare line feed gets CRLF. As a rule it looks at one line of an answer and
 * hands on what came as it is.
 */
export class AnswerHeads {
  readonly #read: () => Buffer | null;
  /** The beginning of a head that is not there as a whole yet. */
  #held: Buffer | null = null;
  #inHead = false;
  #came = false;

  constructor(socket: Socket) {
    const read: (size?: number) => Buffer | null = socket.read.bind(socket);
    this.#read = read;
    // Node itself asks with a size of 0, for what wakes the stream up and never for data.
    socket.read = (size?: number) => (size === undefined ? this.#next() : read(size));
  }

  /** True when a byte has come since the request began. */
  get came(): boolean {
    return this.#came;
  }

  /** A request goes out: what comes next is the head of its answer. */
  expect(): void {
    this.#held = null;
    this.#inHead = true;
    this.#came = false;
  }

  #next(): Buffer | null {
    for (let chunk = this.#read(); chunk !== null; chunk = this.#read()) {
      this.#came = true;
      const rest = this.#inHead ? this.#head(chunk) : chunk;
      if (rest !== null) return rest;
    }
    return null;
  }

  /** Gives what the parser is to see of a chunk within a head; null: nothing yet. */
  #head(chunk: Buffer): Buffer | null {
    let bytes = this.#held === null ? chunk : Buffer.concat([this.#held, chunk]);
    // What was held has no end; an end may begin in its last two bytes.
    let from = Math.max(0, (this.#held?.length ?? 0) - 2);
    this.#held = null;
    for (;;) {
      const lineEnd = bytes.indexOf(lineFeed);
      if (!beginsAnswer(bytes)) return this.#done(bytes);
      if (lineEnd < 0) return this.#hold(bytes);
      const announces =
        bytes[statusAt] === informationalDigit && informational.test(bytes.toString('latin1', 0, 14));
      if (!announces && bytes[lineEnd - 1] === carriageReturn) return this.#done(bytes);
      const end = headEnd(bytes, Math.max(from, lineEnd));
      if (end < 0) return this.#hold(bytes);
      const rest = bytes.subarray(end);
      if (!announces) return this.#done(Buffer.concat([withCrlf(bytes.subarray(0, end)), rest]));
      if (rest.length === 0) return null;
      bytes = rest;
      from = 0;
    }
  }

  #done(bytes: Buffer): Buffer {
    this.#inHead = false;
    return bytes;
  }

  /** Waits for the rest; what is too long for a head is the parser's to refuse. */
  #hold(bytes: Buffer): Buffer | null {
    if (bytes.length > limits.answerHeadBytes) return this.#done(bytes);
    this.#held = bytes;
    return null;
  }
}

function beginsAnswer(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, length, 0, length) === 0;
}

/** The place behind the empty line that ends a head; -1: it is not there yet. */
function headEnd(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(lineFeed, from); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) {
    if (bytes[at + 1] === lineFeed) return at + 2;
    if (bytes[at + 1] === carriageReturn && bytes[at + 2] === lineFeed) return at + 3;
  }
  return -1;
}

function withCrlf(head: Buffer): Buffer {
  return Buffer.from(head.toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1');
}
