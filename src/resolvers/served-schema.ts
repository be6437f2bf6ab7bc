// type-graphql's decorators ask for it as soon as the classes are loaded.
import 'reflect-metadata';

import { buildHubSchema, schemaText } from '../schema/build-schema.ts';
import { requireListSizes } from '../schema/list-size.ts';
import { resolverClasses } from './resolvers.ts';

/** The text of the schema that this version serves. */
export function servedSchemaText(): string {
  const schema = buildHubSchema(resolverClasses, () => undefined);
  requireListSizes(schema);
  return schemaText(schema);
}
