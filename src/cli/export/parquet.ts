import { type BasicType, ByteWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import { HubError } from '../../core/errors.ts';
import type { Cell, ColumnKind, ColumnShape, Row } from './columns.ts';
import type { Format } from './format.ts';

/** Rows in a row group: enough to compress well and to keep the footer small, few enough to hold. */
const groupRows = 5_000;

const types: Record<Exclude<ColumnKind, 'decimal' | 'date'>, BasicType> = {
  id: 'INT64',
  integer: 'INT32',
  long: 'INT64',
  text: 'STRING',
  time: 'TIMESTAMP',
};

/** As many digits as readers take, and as many of them behind the point as an amount may have. */
const precision = 38;
const scale = 10;
const unscaledMost = 10n ** BigInt(precision);

/** Apache Parquet, Snappy; times are instants (UTC, milliseconds), which readers show by their own clock. */
export class ParquetFormat implements Format {
  readonly #bytes = new ByteWriter(1_048_576);
  readonly #writer: ParquetWriter;
  readonly #columns: readonly ColumnShape[];
  #waiting: Row[] = [];

  constructor(columns: readonly ColumnShape[]) {
    this.#columns = columns;
    const shapes = columns.map(shapeOf);
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: schemaFromColumnData({ columnData: shapes, schemaOverrides: overridesFor(columns) }).map(
        withZone,
      ),
      createdBy: 'voucher-hub',
    });
  }

  begin(): Uint8Array {
    return this.#take();
  }

  rows(rows: readonly Row[]): Uint8Array {
    this.#waiting.push(...rows);
    if (this.#waiting.length >= groupRows) this.#writeGroup();
    return this.#take();
  }

  end(): Uint8Array {
    if (this.#waiting.length > 0) this.#writeGroup();
    void this.#writer.finish();
    return this.#take();
  }

  #writeGroup(): void {
    const rows = this.#waiting;
    this.#waiting = [];
    const columnData = this.#columns.map(({ name, kind }, at) => ({
      name,
      data: rows.map(row => parquetValue(row[at] ?? null, kind)),
    }));
    // A promise only for writers that flush by themselves, which this one does not.
    void this.#writer.write({ columnData, rowGroupSize: rows.length });
  }

  /** Gives what was written since the last time; the writer's buffer is used again. */
  #take(): Uint8Array {
    const taken = Uint8Array.from(this.#bytes.getBytes());
    this.#bytes.index = 0;
    return taken;
  }
}

type SchemaElement = ReturnType<typeof schemaFromColumnData>[number];

/** The older kind of type says nothing of a zone: DuckDB and polars would take the times for a local clock's. */
function withZone(element: SchemaElement): SchemaElement {
  if (element.converted_type !== 'TIMESTAMP_MILLIS') return element;
  return { ...element, logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' } };
}

function shapeOf({ name, kind }: ColumnShape): { name: string; data: never[]; type?: BasicType } {
  return kind === 'decimal' || kind === 'date' ? { name, data: [] } : { name, data: [], type: types[kind] };
}

function overridesFor(columns: readonly ColumnShape[]): Record<string, SchemaElement> {
  const decimal = {
    type: 'FIXED_LEN_BYTE_ARRAY',
    type_length: 16,
    converted_type: 'DECIMAL',
    precision,
    scale,
  } as const;
  const date = { type: 'INT32', converted_type: 'DATE' } as const;
  const overridden = columns.filter(({ kind }) => kind === 'decimal' || kind === 'date');
  return Object.fromEntries(
    overridden.map(({ name, kind }) => [
      name,
      { name, repetition_type: 'OPTIONAL', ...(kind === 'decimal' ? decimal : date) },
    ]),
  );
}

function parquetValue(cell: Cell, kind: ColumnKind): bigint | number | string | Date | null {
  if (cell === null) return null;
  if (kind === 'id' || kind === 'long') return BigInt(cell);
  if (kind === 'decimal') return unscaled(String(cell));
  return kind === 'time' || kind === 'date' ? new Date(cell) : cell;
}

/** An amount in ten-billionths, exactly. @throws HubError BAD_USER_INPUT where it has more digits than Parquet holds */
function unscaled(amount: string): bigint {
  const [whole = '', fraction = ''] = amount.split('.');
  const value = BigInt(whole + fraction.slice(0, scale).padEnd(scale, '0'));
  if (value < unscaledMost && value > -unscaledMost) return value;
  throw new HubError(
    'BAD_USER_INPUT',
    `The amount ${amount} has more digits than Parquet holds; export as CSV or JSON Lines.`,
  );
}
