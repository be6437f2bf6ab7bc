import { type BasicType, ByteWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import { type Cell, type ColumnKind, columns, type Row } from './columns.ts';
import type { Format } from './format.ts';

/** Rows in a row group: enough to compress well and to keep the footer small, few enough to hold. */
const groupRows = 5_000;

const types: Record<ColumnKind, BasicType> = {
  id: 'INT64',
  integer: 'INT32',
  text: 'STRING',
  time: 'TIMESTAMP',
};

/** Apache Parquet, Snappy; times are instants (UTC, milliseconds), which readers show by their own clock. */
export class ParquetFormat implements Format {
  readonly #bytes = new ByteWriter(1_048_576);
  readonly #writer: ParquetWriter;
  #waiting: Row[] = [];

  constructor() {
    const shapes = columns.map(({ name, kind }) => ({ name, data: [], type: types[kind] }));
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: schemaFromColumnData({ columnData: shapes }).map(withZone),
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
    const columnData = columns.map(({ name, kind }, at) => ({
      name,
      data: rows.map(row => parquetValue(row[at] ?? null, kind)),
    }));
    // A promise only for writers that flush by themselves, which this one does not.
    void this.#writer.write({ columnData, rowGroupSize: rows.length });
  }

  /** What was written since the last time; the writer's buffer is used again. */
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

function parquetValue(cell: Cell, kind: ColumnKind): bigint | number | string | Date | null {
  if (cell === null) return null;
  if (kind === 'id') return BigInt(cell);
  return kind === 'time' ? new Date(cell) : cell;
}
