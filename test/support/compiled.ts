import { registerHooks } from 'node:module';

/*
 * Loaded before a test (`--import`): the hub's own files come from `dist`, compiled once by `test/run.ts`, and the
 * tests as they stand, since Node leaves out their types by itself. To compile each file in each process took longer
 * than most tests.
 */
const source = new URL('../../src/', import.meta.url).href;
const compiled = new URL('../../dist/', import.meta.url).href;

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    if (!found.url.startsWith(source) || !found.url.endsWith('.ts')) return found;
    return {
      ...found,
      url: `${compiled}${found.url.slice(source.length, -'.ts'.length)}.js`,
      format: 'module',
    };
  },
});
