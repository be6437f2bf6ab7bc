import 'reflect-metadata';
import { writeFile } from 'node:fs/promises';
import { resolverClasses } from './resolvers/resolvers.ts';
import { buildHubSchema, schemaText } from './schema/build-schema.ts';

// `npm run codegen`: writes the served schema, which the typed documents are generated from and CI compares.
const file = new URL('schema/schema.graphql', import.meta.url);
await writeFile(file, schemaText(buildHubSchema(resolverClasses, () => undefined)));
