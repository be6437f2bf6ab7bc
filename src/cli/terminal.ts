import Table from 'cli-table3';
import { printable } from '../core/printable.ts';

/** Texts that came from elsewhere must not move a person's cursor, rename the window or turn the line round. */
const unprintable = /[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const colour = /^\[[\d;]{0,12}m/;

/** As it may go to a terminal: of what controls one, only line feeds, tabs and the colours of our own are left. */
function legible(text: string): string {
  return text.replace(unprintable, (found, at: number) =>
    found === '\u001b' && colour.test(text.slice(at + 1, at + 15)) ? found : '',
  );
}

/** Writes a line for people or programs to standard output. */
export function print(text = ''): void {
  process.stdout.write(`${legible(text)}\n`);
}

/** Works as `print`; resolves once it is written, with false where nobody reads it (any more). */
export function printed(text: string): Promise<boolean> {
  return new Promise(resolve => process.stdout.write(`${legible(text)}\n`, error => resolve(error == null)));
}

/** Writes a line to standard error: progress, warnings, errors; never what a program reads. */
export function note(text = ''): void {
  process.stderr.write(`${legible(text)}\n`);
}

/** Prints one JSON document, the whole of a command's standard output under `--json`, to the letter: a program reads it. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Of a cell that are shown: no name or address is longer. */
const cellChars = 2_000;

/** Columns, aligned; cli-table3 counts East Asian characters as two cells wide. */
export function printTable(
  head: readonly string[],
  rows: readonly (readonly (string | number | null | undefined)[])[],
): void {
  const style = { head: [], border: [], compact: true };
  const chars = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: ' ',
  };
  const table = new Table({ head: [...head], style, chars });
  table.push(
    ...rows.map(row =>
      row.map(cell =>
        cell === null || cell === undefined || cell === '' ? '–' : printable(String(cell), cellChars),
      ),
    ),
  );
  print(table.toString());
}

/** One or many: `plural(1, 'line')` is "1 line". */
export function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

/** A time span in the unit that reads best. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1_000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** East Asian characters that terminals draw two cells wide (Unicode's Wide and Fullwidth, the usual blocks). */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/gu;

/** Fills a text up with spaces to a width in terminal cells. */
export function padCells(text: string, cells: number): string {
  const taken = Array.from(text).length + (text.match(wide)?.length ?? 0);
  return text + ' '.repeat(Math.max(0, cells - taken));
}
