/**
 * Holds what stands in a column: an id (digits), a whole number of 32 bits or more, an exact decimal, a day (YYYY-MM-DD), a text,
 * or a time (milliseconds since 1970).
 */
export type ColumnKind = 'id' | 'integer' | 'long' | 'decimal' | 'date' | 'text' | 'time';

/** Holds what stands in one column of a row; times are milliseconds since 1970. */
export type Cell = string | number | null;

/** The cells of one row, in the order of the columns. */
export type Row = readonly Cell[];

/** A column as a file has it. */
export interface ColumnShape {
  readonly name: string;
  readonly kind: ColumnKind;
}

/** A column, and how its cells are had from what the hub tells. */
export interface Column<Node> extends ColumnShape {
  readonly of: (node: Node) => Cell;
}

/** The row of a node. */
export function rowOf<Node>(node: Node, columns: readonly Column<Node>[]): Row {
  return columns.map(column => column.of(node));
}

/** A time as a cell. */
export function timeCell(iso: string | null | undefined): number | null {
  return iso == null ? null : Date.parse(iso);
}
