import { type ExecutionResult, type GraphQLSchema, Kind, type OperationDefinitionNode } from 'graphql';
import type { Span, SpanOptions } from '../../core/tracing.ts';
import { formatError } from './error-format.ts';

/** Characters of an operation's name, which callers choose. */
const nameChars = 100;

/**
 * Begins the span of an operation. @param traceparent what the caller gave; anything that is no trace context is passed
 * over
 */
export function operationSpan(traceparent: unknown): SpanOptions {
  return { kind: 'server', parents: typeof traceparent === 'string' ? [traceparent] : [] };
}

/** Says which operation a span is: by its first field, of which there are few. Never its text or variables. */
export function nameOperation(span: Span | undefined, operation: OperationDefinitionNode | undefined): void {
  if (span === undefined || operation === undefined) return;
  const [first] = operation.selectionSet.selections;
  const field = first?.kind === Kind.FIELD ? ` ${first.name.value}` : '';
  span.rename(`${operation.operation}${field}`);
  span.set({ 'graphql.operation.type': operation.operation });
  if (operation.name !== undefined)
    span.set({ 'graphql.operation.name': operation.name.value.slice(0, nameChars) });
}

/** Says what came of it. What the caller did wrong is told, and is no failure of the hub's. */
export function noteErrors(span: Span | undefined, codes: readonly unknown[]): void {
  for (const code of codes)
    if (code === 'INTERNAL_SERVER_ERROR' || code === 'UNAVAILABLE') return span?.fail(code);
  const [first] = codes;
  if (typeof first === 'string') span?.set({ 'error.type': first });
}

/** The codes that a caller is told. */
export function codesOf({ errors = [] }: ExecutionResult, schema: GraphQLSchema): unknown[] {
  return errors.map(error => formatError(error, schema).extensions?.code);
}
