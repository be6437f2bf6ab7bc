// Loaded before a hub process (`NODE_OPTIONS=--import`): tells on standard error what it loads of OpenTelemetry.
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    if (specifier.startsWith('@opentelemetry/')) process.stderr.write(`loads ${specifier}\n`);
    return next(specifier, context);
  },
});
