import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { rooms, withImportRule } from '../../scripts/import-rule.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const settings = path.join(root, '.oxlintrc.json');

test('the linter holds the table of rooms; `node scripts/import-rule.ts` writes it anew', async () => {
  const text = await readFile(settings, 'utf8');
  assert.deepEqual(JSON.parse(text), JSON.parse(withImportRule(text)));
});

test('each folder of src is a room of the table', async () => {
  const entries = await readdir(path.join(root, 'src'), { withFileTypes: true });
  const folders = entries.filter(entry => entry.isDirectory()).map(({ name }) => name);
  assert.deepEqual(
    folders.filter(name => !(name in rooms)),
    [],
  );
});

/** Lints a made-up tree with the project's own settings. */
async function faultsIn(files: Readonly<Record<string, string>>): Promise<string[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'import-rule-'));
  try {
    await writeFile(path.join(folder, '.oxlintrc.json'), await readFile(settings, 'utf8'));
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
      await writeFile(path.join(folder, name), text);
    }
    const { stdout } = spawnSync(path.join(root, 'node_modules/.bin/oxlint'), ['--format', 'unix', 'src'], {
      cwd: folder,
      encoding: 'utf8',
    });
    return stdout.split('\n').filter(line => /no-restricted-imports|no-cycle/.test(line));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const shard = { 'src/delivery/drain/shard.ts': 'export const shard = 1;\n' };

test('a service may not import another one, however deep the file lies', async () => {
  for (const [file, up] of [
    ['src/intake/y.ts', '../'],
    ['src/intake/sub/x.ts', '../../'],
    ['src/intake/sub/deep/x.ts', '../../../'],
  ] as const) {
    const faults = await faultsIn({
      ...shard,
      [file]: `import { shard } from '${up}delivery/drain/shard.ts';\nexport const y = shard;\n`,
    });
    assert.equal(faults.length, 1, `${file}: ${faults.join('\n')}`);
  }
});

test('a service may not import the settings, by whichever of their files', async () => {
  for (const name of ['config', 'settings']) {
    const faults = await faultsIn({
      [`src/config/${name}.ts`]: 'export const one = 1;\n',
      'src/delivery/x.ts': `import { one } from '../config/${name}.ts';\nexport const x = one;\n`,
    });
    assert.equal(faults.length, 1, `${name}: ${faults.join('\n')}`);
  }
});

test('a sub-folder may have the name of another room', async () => {
  const faults = await faultsIn({
    'src/db/monitoring/rows.ts': 'export const rows = 1;\n',
    'src/db/recording/x.ts': "import { rows } from '../monitoring/rows.ts';\nexport const x = rows;\n",
  });
  assert.deepEqual(faults, []);
});

test('a circle of types alone is a circle too', async () => {
  const faults = await faultsIn({
    'src/core/a.ts': "import type { B } from './b.ts';\nexport interface A { readonly b?: B }\n",
    'src/core/b.ts': "import type { A } from './a.ts';\nexport interface B { readonly a?: A }\n",
  });
  assert.ok(faults.length > 0);
});

/** Relative imports of a file of ours: static, of types, and dynamic. */
async function importsOf(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8');
  return [...text.matchAll(/(?:from|import\(|^import)\s*'(\.[^']+\.ts)'/gm)].map(([, name = '']) =>
    path.resolve(path.dirname(file), name),
  );
}

test('no file of src imports itself by way of others, be it for a type or when it runs', async () => {
  const entries = await readdir(path.join(root, 'src'), { recursive: true });
  const files = entries.filter(name => name.endsWith('.ts')).map(name => path.join(root, 'src', name));
  const left = new Map<string, string[]>();
  for (const file of files) left.set(file, await importsOf(file));
  assert.ok(left.size > 300);
  // Files whose imports are all gone are part of no circle; what is left in the end is.
  for (let before = Number.POSITIVE_INFINITY; left.size < before; ) {
    before = left.size;
    for (const [file, imports] of left) if (!imports.some(name => left.has(name))) left.delete(file);
  }
  const names = [...left.keys()].map(file => path.relative(root, file));
  assert.deepEqual(names, []);
});
