#!/usr/bin/env node
import { readFileSync } from 'node:fs';

// Nothing else is imported statically: on an older Node other files would fail before this check could speak.
const manifest: { version: string; engines: { node: string } } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
);

const [wanted, running] = [manifest.engines.node, process.versions.node].map(text =>
  text
    .replace(/[^\d.]/g, '')
    .split('.')
    .map(Number),
);

if (isOlder(running ?? [], wanted ?? [])) {
  process.stderr.write(
    `The hub needs Node.js ${manifest.engines.node}; this is ${process.versions.node}. In a checkout, \`npm run hub -- …\` after \`npm install\` brings its own.\n`,
  );
  process.exitCode = 1;
} else {
  const { endUnread, watchStandardOutput } = await import('./cli/standard-output.ts');
  watchStandardOutput();
  const { runCommandLine } = await import('./cli/program.ts');
  process.exitCode = await runCommandLine(process.argv, manifest.version);
  // What a program reads may take its time. Lines for people must not keep a process whose work is done.
  await endUnread([process.stderr], () => process.exit());
}

function isOlder(version: readonly number[], than: readonly number[]): boolean {
  const at = than.findIndex((part, index) => part !== (version[index] ?? 0));
  return at !== -1 && (version[at] ?? 0) < (than[at] ?? 0);
}
