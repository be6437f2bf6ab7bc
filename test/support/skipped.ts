import type { TestEvent } from 'node:test/reporters';

/** A reporter that says at the end, by name, which tests were skipped and why: a missing tool must not go unnoticed. */
export default async function* skipped(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const lines: string[] = [];
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const { skip, name, file } = data;
    if (skip === undefined || skip === false) continue;
    const reason = typeof skip === 'string' ? skip : 'no reason is given';
    lines.push(`  ${file ?? ''}: ${name} (${reason})\n`);
  }
  if (lines.length > 0) yield `\nSkipped, ${lines.length} in all:\n${lines.join('')}`;
}
