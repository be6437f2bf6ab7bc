import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

const limits = [
  ['HUB_TEST_FILE_LIMIT_MS', 8_000, 'took longer than 8 s'],
  ['HUB_TEST_AFTER_TESTS_MS', 500, 'did not end after its tests within 0\\.5 s'],
] as const;

for (const [setting, ms, why] of limits)
  test(`a file whose timed-out test leaves something open ends and fails by ${setting}, saying what kept it, and what was skipped is told by name`, () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'hub-runner-'));
    using _folder = { [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
    const file = path.join(folder, 'leaky.test.mjs');
    writeFileSync(
      file,
      `import { test } from 'node:test';
    test('wants a tool', { skip: 'no such tool' }, () => {});
    test('leaks', async () => { setInterval(() => {}, 1_000); await new Promise(() => {}); });`,
    );
    // The variable that tells a test's process what it is would make this one a part of our own run.
    const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [
        '--import',
        './test/support/file-limit.ts',
        '--test',
        '--test-timeout=500',
        '--test-reporter=spec',
        '--test-reporter-destination=stdout',
        '--test-reporter=./test/support/skipped.ts',
        '--test-reporter-destination=stdout',
        file,
      ],
      { encoding: 'utf8', timeout: 120_000, env: { ...env, [setting]: String(ms) } },
    );
    const said = stdout + stderr;
    assert.equal(status, 1, said);
    assert.match(said, new RegExp(`leaky\\.test\\.mjs ${why}; it is kept open by: .*Timeout`));
    assert.match(said, /Skipped, 1 in all:\n.*leaky\.test\.mjs: wants a tool \(no such tool\)/);
  });
