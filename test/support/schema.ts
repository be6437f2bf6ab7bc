import 'reflect-metadata';
import type { GraphQLSchema } from 'graphql';
import { resolverClasses } from '../../src/resolvers/resolvers.ts';
import { buildHubSchema } from '../../src/schema/build-schema.ts';

/** The schema that a hub serves, without anything behind it. */
export function hubSchema(): GraphQLSchema {
  return buildHubSchema(resolverClasses, () => undefined);
}
