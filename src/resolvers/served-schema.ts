// type-graphql's decorators ask for it as soon as the classes are loaded.
import 'reflect-metadata';

import { buildHubSchema, schemaText } from '../schema/build-schema.ts';
import { requireListSizes } from '../schema/list-size.ts';
import { resolverClasses } from './resolvers.ts';

let text: string | undefined;

/** The text of the schema that this version serves. It is made once a process. */
export function servedSchemaText(): string {
  text ??= makeText();
  return text;
}

function makeText(): string {
  const schema = buildHubSchema(resolverClasses, () => undefined);
  requireListSizes(schema);
  return schemaText(schema);
}
