import type { Row } from './columns.ts';

/** Turns rows into a file's content, piece by piece; nothing else is kept than what a piece needs. */
export interface Format {
  begin(): string | Uint8Array;
  rows(rows: readonly Row[]): string | Uint8Array;
  end(): string | Uint8Array;
}

/** Formats that a file may have. */
export const formatNames = ['csv', 'jsonl', 'parquet'] as const;
export type FormatName = (typeof formatNames)[number];
