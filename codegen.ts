import type { CodegenConfig } from '@graphql-codegen/cli';

const scalars = {
  Decimal: 'string',
  Date: 'string',
  DateTime: 'string',
  JSONObject: 'Record<string, unknown>',
};

/**
 * Typed documents of the command line and types of the client package's operations, from the schema that the hub
 * serves. `npm run codegen` writes them.
 */
const config: CodegenConfig = {
  schema: 'src/schema/schema.graphql',
  importExtension: '.ts',
  silent: true,
  generates: {
    'clients/typescript/src/generated/operations.ts': {
      documents: ['clients/typescript/src/**/*.ts', '!clients/typescript/src/generated/**'],
      plugins: ['typescript-operations'],
      config: {
        enumsAsTypes: true,
        useTypeImports: true,
        strictScalars: true,
        scalars: {
          ...scalars,
          JSONObject: { input: scalars.JSONObject, output: '../python-json.ts#JsonObject' },
        },
      },
    },
    'src/cli/generated/': {
      documents: ['src/cli/**/*.ts', '!src/cli/generated/**'],
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        documentMode: 'string',
        enumsAsTypes: true,
        useTypeImports: true,
        strictScalars: true,
        scalars,
      },
    },
  },
};

export default config;
