import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { printable } from '../src/core/printable.ts';

/** Sets how much of a log's end is looked at, bytes, and how many of its lines are told, each cut, characters. */
const tailBytes = 65_536;
const shownLines = 6;
const lineChars = 300;

/** pino's number for `error`. */
const errorLevel = 50;

/** A line of the hub's log, of which only what went wrong matters. */
const logLine = z.object({
  level: z.number(),
  msg: z.string().default(''),
  err: z.object({ message: z.string() }).optional(),
});

/**
 * Gives what a process last wrote to its log of errors, and of what is no line of a log: Node's own words when it ends a process.
 * @param from where in the file its own lines begin, bytes
 * @param secrets are cut out, for this goes where a report goes
 */
export async function lastWords(logFile: string, from: number, secrets: readonly string[]): Promise<string> {
  await using file = await open(logFile);
  const words = (await tailOf(file, from)).split('\n').flatMap(line => wordsOf(line) ?? []);
  const told = words.slice(-shownLines).map(line => printable(without(secrets, line), lineChars));
  return told.length === 0 ? 'its log has no error' : told.join(' | ');
}

async function tailOf(file: FileHandle, from: number): Promise<string> {
  const { size } = await file.stat();
  const at = Math.max(from, size - tailBytes);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(0, size - at)), { position: at });
  return buffer.toString('utf8', 0, bytesRead);
}

function wordsOf(line: string): string | undefined {
  if (line.trim() === '') return undefined;
  if (!line.startsWith('{"level"')) return line.trim();
  const { data } = logLine.safeParse(jsonOf(line));
  if (data === undefined || data.level < errorLevel) return undefined;
  return data.err === undefined ? data.msg : `${data.msg}: ${data.err.message}`;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Cut off where the process ended.
    return undefined;
  }
}

function without(secrets: readonly string[], line: string): string {
  return secrets.reduce((text, secret) => text.replaceAll(secret, '[secret]'), line);
}
