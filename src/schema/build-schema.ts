import { EOL } from 'node:os';
import { type GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql';
import { buildSchemaSync, type NonEmptyArray, type PubSub } from 'type-graphql';
import { DateTimeScalar } from './scalars.ts';
import { widenInts } from './whole-numbers.ts';

/** The library asks for one as soon as there are subscriptions; each of the hub's opens a feed of its own. */
const noTopics: PubSub = {
  publish: () => {},
  subscribe: topic => {
    throw new Error(`Nothing is published by topic (${topic}).`);
  },
};

/** Builds the executable schema from resolver classes; `instanceOf` gives each one's instance. */
export function buildHubSchema(
  classes: readonly Function[],
  instanceOf: (someClass: unknown) => object | undefined,
): GraphQLSchema {
  const [first, ...rest] = classes;
  if (first === undefined) throw new Error('A schema needs resolvers.');
  const resolvers: NonEmptyArray<Function> = [first, ...rest];
  const schema = buildSchemaSync({
    resolvers,
    container: { get: instanceOf },
    scalarsMap: [{ type: Date, scalar: DateTimeScalar }],
    validate: false,
    pubSub: noTopics,
  });
  return widenInts(schema);
}

/** The schema's text as it is checked in: sorted, so that moving code changes nothing. */
export function schemaText(schema: GraphQLSchema): string {
  return `${printSchema(lexicographicSortSchema(schema)).replaceAll(EOL, '\n')}\n`;
}
