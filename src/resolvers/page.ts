import { badInput } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { PageInfo } from '../schema/page.types.ts';

const cursorPrefix = 'id:';

/** Holds what a page asks for: the newest first, from after a cursor. */
export interface PageRequest {
  /** Nodes wanted; one more is read, to know whether there is a next page. */
  readonly first: number;
  /** Rows with a lower id; null: from the start. */
  readonly belowId: string | null;
}

/** @throws HubError BAD_USER_INPUT for a page size out of range and a cursor that the hub did not make */
export function pageRequest(first: number | null | undefined, after: string | null | undefined): PageRequest {
  const size = first ?? 50;
  if (size < 0 || size > limits.pageSize) throw badInput('first', `first: 0 to ${limits.pageSize}.`);
  if (after == null) return { first: size, belowId: null };
  const text = Buffer.from(after, 'base64url').toString();
  const id = text.startsWith(cursorPrefix) ? text.slice(cursorPrefix.length) : '';
  if (!/^\d{1,18}$/.test(id)) throw badInput('after', 'after: not a cursor that the hub gave.');
  return { first: size, belowId: id };
}

/** A Relay connection's edges and page info from one row more than asked for. `hasPreviousPage` is true behind a cursor. */
export function pageOf<T extends { id: string }>(
  rows: T[],
  request: PageRequest,
): { edges: { cursor: string; node: T }[]; pageInfo: PageInfo } {
  const edges = rows
    .slice(0, request.first)
    .map(node => ({ cursor: Buffer.from(cursorPrefix + node.id).toString('base64url'), node }));
  return {
    edges,
    pageInfo: {
      hasNextPage: rows.length > request.first,
      hasPreviousPage: request.belowId !== null,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}
