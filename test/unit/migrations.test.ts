import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { checkApplied, migrations, neededBeside } from '../../src/db/migrations.ts';

const folder = new URL('../../src/db/migrations/', import.meta.url);
const files = readdirSync(folder).map(file => file.replace(/\.ts$/, ''));

/** What hubs of the version before would notice. */
const takesAway =
  /\b(drop\s+(?!constraint\s+if\s+exists)\w+|rename\s+(to|column|constraint)|alter\s+column\s+\w+\s+(set\s+data\s+)?type|alter\s+column\s+\w+\s+set\s+not\s+null|truncate|delete\s+from|add\s+column\s+(if\s+not\s+exists\s+)?\w+\s+(?![^,;]*default)[^,;]*not\s+null)\b/i;

/** Hubs of the version before read null only in rows with a wide version, which docs/operations.md says to send after the upgrade. */
const allowed = ['alter table fin_voucher_events alter column source_version drop not null;'];

test('every migration file is in the list, in the order of its number, and each number once', () => {
  assert.deepEqual(
    migrations.map(({ name }) => name),
    files.toSorted(),
  );
  const digits = migrations.map(({ name }) => name.slice(0, 4));
  assert.equal(new Set(digits).size, digits.length);
});

test('every migration after the first only adds, unless its name says which one hubs must know beside it', () => {
  for (const { name } of migrations.slice(1)) {
    const needed = neededBeside(name);
    if (needed === null) {
      const source = readFileSync(new URL(`${name}.ts`, folder), 'utf8');
      const text = allowed.reduce(
        (left, statement) => left.replace(statement, ''),
        source.replace(/\/\*[\s\S]*?\*\/|--.*$/gm, ''),
      );
      const found = takesAway.exec(text);
      assert.equal(found?.[0], undefined, `${name}: older hubs run beside it; see src/db/migrations.ts`);
    } else
      assert.ok(
        migrations.some(one => one.name.startsWith(`${needed}-`) && one.name < name),
        name,
      );
  }
});

test('what takes something away is found out', () => {
  const wrong = [
    'alter table a drop column b',
    'drop table a',
    'alter table a rename column b to c',
    'alter table a alter column b type bigint',
    'alter table a alter column b set not null',
    'alter table a add column b int not null',
    'delete from a',
    'alter table a alter column b drop not null',
  ];
  for (const sql of wrong) assert.match(sql, takesAway);
  const right = [
    'alter table a add column b int',
    'alter table a add column b int not null default 1 check (b > 0)',
    'create table c (d int not null)',
    'create index on a (b)',
  ];
  for (const sql of right) assert.doesNotMatch(sql, takesAway);
});

test('a database that a newer version added to is taken; one that lacks what this version needs is refused', () => {
  const own = migrations.map(({ name }) => name);
  assert.deepEqual(checkApplied([]), []);
  assert.deepEqual(checkApplied(own), []);
  assert.deepEqual(checkApplied([...own, '9001-more']), ['9001-more']);
  assert.deepEqual(checkApplied([...own, '9002-less-needs-0001']), ['9002-less-needs-0001']);
  assert.throws(
    () => checkApplied([...own, '9001-more', '9002-less-needs-9001']),
    /newer hub \(9002-less-needs-9001\)/,
  );
});
