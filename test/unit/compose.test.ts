import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { settings } from '../../src/config/settings.ts';

const { hub } = z
  .object({ services: z.object({ hub: z.object({ environment: z.record(z.string(), z.string()) }) }) })
  .parse(parse(readFileSync('docker-compose.yml', 'utf8'))).services;

test('docker-compose gives the hub settings that it has, and what an operator sets', () => {
  const known = new Set(settings.map(({ variable }) => variable));
  assert.deepEqual(
    Object.keys(hub.environment).filter(name => !known.has(name)),
    [],
  );
  // The rest is this file's own: the addresses of its servers, and what the image listens on and writes to.
  const own = new Set([
    'HUB_PORT',
    'HUB_HOST',
    'HUB_METRICS_PORT',
    'HUB_DATA_DIR',
    'HUB_ALERTS_FILE',
    'DATABASE_URL',
    'DATABASE_DIRECT_URL',
    'DATABASE_REPLICA_URL',
    'REDIS_URL',
  ]);
  for (const name of known)
    if (!own.has(name)) assert.match(hub.environment[name] ?? '', new RegExp(`^\\$\\{${name}:[-?]`), name);
  assert.equal(hub.environment.HUB_ALERTS_FILE, `\${HUB_ALERTS_FILE:+/etc/voucher-hub/alerts.yml}`);
});
