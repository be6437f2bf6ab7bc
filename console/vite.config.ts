import path from 'node:path';
import { defineConfig } from 'vite';

const here = import.meta.dirname;

/** Builds the GraphiQL page into `dist/console`, from where `src/server/graphql/graphiql.ts` serves it at `/graphiql`. */
export default defineConfig({
  root: path.join(here, 'graphiql'),
  // Absolute: the page's own address has no slash at its end, so relative ones would miss.
  base: '/graphiql/',
  publicDir: false,
  build: {
    outDir: path.join(here, '../dist/console'),
    // Vite does not empty a folder outside its root unless told to.
    emptyOutDir: true,
    sourcemap: false,
    reportCompressedSize: false,
    // The polyfill is an inline fetch() helper for browsers that no longer matter.
    modulePreload: { polyfill: false },
    // Monaco is one large piece by nature; the warning would come with every build.
    chunkSizeWarningLimit: 8192,
    // Off: a hundred notes on "use client" in GraphiQL's own dependencies, which mean nothing without a server.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
  worker: { format: 'es' },
});
