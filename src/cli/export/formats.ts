import type { BusinessTime } from '../../core/business-time.ts';
import type { Cell, ColumnKind, ColumnShape, Row } from './columns.ts';
import { csvText } from './csv-text.ts';
import type { Format, FormatName } from './format.ts';

/** Opens a format. @param time the clock that times are written by */
export async function openFormat(
  name: FormatName,
  columns: readonly ColumnShape[],
  time: BusinessTime,
): Promise<Format> {
  if (name === 'csv') return csv(columns, time);
  if (name === 'jsonl') return jsonl(columns, time);
  // Loaded here, so that the other commands stay quick.
  const { ParquetFormat } = await import('./parquet.ts');
  return new ParquetFormat(columns);
}

/** Without it Excel takes the text for the machine's own character set, and Chinese is garbled. */
const byteOrderMark = '\uFEFF';

/** RFC 4180: commas, CRLF, quotes only where they are needed. */
function csv(columns: readonly ColumnShape[], time: BusinessTime): Format {
  return {
    begin: () => `${byteOrderMark}${columns.map(({ name }) => name).join(',')}\r\n`,
    rows: rows =>
      rows
        .map(
          row => `${row.map((cell, at) => csvCell(cell, columns[at]?.kind ?? 'text', time)).join(',')}\r\n`,
        )
        .join(''),
    end: () => '',
  };
}

function csvCell(cell: Cell, kind: ColumnKind, time: BusinessTime): string {
  if (cell === null) return '';
  const shown = shownCell(cell, kind, time);
  return kind === 'text' ? csvText(String(shown)) : String(shown);
}

/** One JSON object a line; ids are texts, as GraphQL gives them. */
function jsonl(columns: readonly ColumnShape[], time: BusinessTime): Format {
  const lineOf = (row: Row) =>
    JSON.stringify(
      Object.fromEntries(
        columns.map(({ name, kind }, at) => {
          const cell = row[at] ?? null;
          return [name, cell === null ? null : shownCell(cell, kind, time)];
        }),
      ),
    );
  return { begin: () => '', rows: rows => rows.map(row => `${lineOf(row)}\n`).join(''), end: () => '' };
}

function shownCell(cell: string | number, kind: ColumnKind, time: BusinessTime): string | number {
  return kind === 'time' && typeof cell === 'number' ? time.isoOf(cell) : cell;
}
