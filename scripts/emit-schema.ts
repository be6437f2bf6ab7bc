import { writeFile } from 'node:fs/promises';
import { servedSchemaText } from '../src/resolvers/served-schema.ts';

// `npm run codegen`: writes the served schema, which the typed documents are generated from and CI compares.
await writeFile(new URL('../src/schema/schema.graphql', import.meta.url), servedSchemaText());
