import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.md'))
    .map(name => path.join('docs', name)),
];

/** Folders of the repository whose files documents name in code spans. */
const named = /`((?:src|test|scripts|docs|deploy|bench|faults|clients|console|samples|\.ci)\/[\w./-]+)`/g;

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

for (const document of documents) {
  const text = readFileSync(path.join(root, document), 'utf8');

  test(`${document} names only files that are there`, () => {
    const files = [...text.matchAll(named)].map(([, file = '']) => file);
    assert.deepEqual(
      files.filter(file => !existsSync(path.join(root, file))),
      [],
    );
  });

  test(`${document} links only to files and headings that are there`, () => {
    const targets = [...text.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)].map(
      ([, target = '']) => target,
    );
    const missing = targets.filter(target => {
      const [file = '', anchor] = target.split('#');
      const linked =
        file === '' ? path.join(root, document) : path.resolve(root, path.dirname(document), file);
      if (!existsSync(linked)) return true;
      return (
        anchor !== undefined &&
        linked.endsWith('.md') &&
        !anchorsOf(readFileSync(linked, 'utf8')).includes(anchor)
      );
    });
    assert.deepEqual(missing, []);
  });
}
