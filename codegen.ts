import type { CodegenConfig } from '@graphql-codegen/cli';

/** Typed documents of the command line, from the schema that the hub serves. `npm run codegen` writes them. */
const config: CodegenConfig = {
  schema: 'src/schema/schema.graphql',
  documents: ['src/cli/**/*.ts', '!src/cli/generated/**'],
  importExtension: '.ts',
  silent: true,
  generates: {
    'src/cli/generated/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        documentMode: 'string',
        enumsAsTypes: true,
        useTypeImports: true,
        strictScalars: true,
        scalars: {
          Decimal: 'string',
          Date: 'string',
          DateTime: 'string',
          JSONObject: 'Record<string, unknown>',
        },
      },
    },
  },
};

export default config;
