import { EOL } from 'node:os';
import { type GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql';
import { buildSchemaSync, type NonEmptyArray } from 'type-graphql';
import { DateTimeScalar } from './scalars.ts';

/** A resolver class; its instance comes from the composition root. */
export type ResolverClass = new (...args: never[]) => object;

/** Builds the executable schema from resolver instances. */
export function buildHubSchema(instances: readonly object[]): GraphQLSchema {
  const byClass = new Map<unknown, object>(instances.map(instance => [instance.constructor, instance]));
  const classes = [...byClass.keys()].filter(value => typeof value === 'function');
  const [first, ...rest] = classes;
  if (first === undefined) throw new Error('A schema needs resolvers.');
  const resolvers: NonEmptyArray<Function> = [first, ...rest];
  return buildSchemaSync({
    resolvers,
    container: { get: someClass => byClass.get(someClass) },
    scalarsMap: [{ type: Date, scalar: DateTimeScalar }],
    validate: false,
  });
}

/** The schema's text as it is checked in: sorted, so that moving code changes nothing. */
export function schemaText(schema: GraphQLSchema): string {
  return `${printSchema(lexicographicSortSchema(schema)).replaceAll(EOL, '\n')}\n`;
}
