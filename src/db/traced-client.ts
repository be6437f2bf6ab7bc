import type { ClientBase } from 'pg';
import { errorTypeOf, type Span, type Tracer } from '../core/tracing.ts';

/**
 * Makes a span of each statement of a fresh connection that is run for a span. It says which statement, never its text or
 * parameters; of an error the SQLSTATE, as PostgreSQL's messages quote what was sent.
 */
export function traceClient(client: ClientBase, tracer: Tracer): void {
  const query: unknown = Reflect.get(client, 'query');
  if (typeof query !== 'function') return;
  const traced = (...args: unknown[]): unknown => {
    const parent = tracer.current();
    if (parent === undefined) return Reflect.apply(query, client, args);
    const span = startStatement(tracer, parent, args[0]);
    const callback = args.at(-1);
    if (typeof callback === 'function')
      args[args.length - 1] = (error: unknown, ...rest: unknown[]) => {
        endStatement(span, error);
        Reflect.apply(callback, undefined, [error, ...rest]);
      };
    const answer: unknown = Reflect.apply(query, client, args);
    if (typeof callback === 'function') return answer;
    if (answer instanceof Promise)
      answer.then(
        () => span.end(),
        error => endStatement(span, error),
      );
    else span.end();
    return answer;
  };
  Object.defineProperty(client, 'query', { value: traced, configurable: true });
}

/** Says how statements appear in traces. */
export const statementKind = { kind: 'client', attributes: { 'db.system.name': 'postgresql' } } as const;

function startStatement(tracer: Tracer, parent: Span, statement: unknown): Span {
  const { name, text } = namesOf(statement);
  const operation = /^\W*(\w+)/.exec(text)?.[1]?.toUpperCase() ?? 'QUERY';
  const attributes = { ...statementKind.attributes, 'db.operation.name': operation };
  return tracer.start(name ?? operation, { kind: 'client', parents: [parent], attributes });
}

function namesOf(statement: unknown): { name: string | undefined; text: string } {
  if (typeof statement === 'string') return { name: undefined, text: statement };
  if (typeof statement !== 'object' || statement === null) return { name: undefined, text: '' };
  const name = 'name' in statement && typeof statement.name === 'string' ? statement.name : undefined;
  const text = 'text' in statement && typeof statement.text === 'string' ? statement.text : '';
  return { name, text };
}

function endStatement(span: Span, error: unknown): void {
  if (error != null) span.fail(errorTypeOf(error));
  span.end();
}
