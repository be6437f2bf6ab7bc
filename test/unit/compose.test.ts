import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { settings } from '../../src/settings.ts';

const { hub } = z
  .object({ services: z.object({ hub: z.object({ environment: z.record(z.string(), z.string()) }) }) })
  .parse(parse(readFileSync('docker-compose.yml', 'utf8'))).services;

test('docker-compose gives the hub settings that it has, and what an operator sets', () => {
  const known = new Set(settings.map(({ variable }) => variable));
  assert.deepEqual(
    Object.keys(hub.environment).filter(name => !known.has(name)),
    [],
  );
  for (const name of ['HUB_LANG', 'HUB_RETENTION_DAYS', 'HUB_PUBLIC_URL', 'HUB_TIME_ZONE'])
    assert.match(hub.environment[name] ?? '', new RegExp(`^\\$\\{${name}:-`), name);
  assert.equal(hub.environment.HUB_ALERTS_FILE, `\${HUB_ALERTS_FILE:+/etc/voucher-hub/alerts.yml}`);
});
