import { PayloadQueries } from '../delivery/payload/payload-queries.ts';
import { checkOperationSize } from '../server/graphql/operation-limits.ts';

/** Payload queries against a schema's text, under the bounds of what clients ask over HTTP. */
export function boundedQueries(schemaText: string): PayloadQueries {
  return new PayloadQueries(schemaText, (schema, document, operation) =>
    checkOperationSize(schema, document, operation, {}),
  );
}
