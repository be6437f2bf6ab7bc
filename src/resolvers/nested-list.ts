import { type GraphQLResolveInfo, responsePathAsArray } from 'graphql';
import { limits } from '../core/limits.ts';
import type { OperationContext } from './context.ts';

/** Says where a list field stands, and what it has no room for. */
export interface NestedList {
  readonly context: OperationContext;
  readonly info: GraphQLResolveInfo;
  /** Which of them are kept. */
  readonly keep: 'first' | 'last';
  /** Holds what is told of a list that is cut. */
  readonly hint: string;
}

/** The list as far as it is served, with a warning beside the data where that is not all of it. */
export function nestedList<T>(rows: readonly T[], { context, info, keep, hint }: NestedList): T[] {
  if (rows.length <= limits.nestedList) return [...rows];
  context.budget.warn({ code: 'LIST_CUT', message: hint, path: responsePathAsArray(info.path) });
  return keep === 'first' ? rows.slice(0, limits.nestedList) : rows.slice(-limits.nestedList);
}
