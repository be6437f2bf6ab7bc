import type { HubClient } from '../client.ts';
import type { ColumnShape, Row } from './columns.ts';

/** A page of rows, and the cursor of the next one; null: it is the last. */
export interface RowPage {
  readonly rows: readonly Row[];
  readonly after: string | null;
}

/** Holds what can be exported: syncs or vouchers of a range, the newest first. */
export interface ExportSubject {
  /** One of them, in words. */
  readonly thing: string;
  readonly columns: readonly ColumnShape[];
  /** Which they are, in words, and as the summary has it. */
  readonly range: { readonly words: string; readonly from: string; readonly to: string };
  page(
    client: HubClient,
    page: { readonly first: number; readonly after: string | null },
    stop: AbortSignal,
  ): Promise<RowPage>;
  /** Says how many there are. */
  count(client: HubClient, stop: AbortSignal): Promise<number>;
}
