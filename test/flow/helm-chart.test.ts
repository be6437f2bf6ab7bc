import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { z } from 'zod';
import { settings } from '../../src/config/settings.ts';
import { numbers, record, vouchers } from '../support/deliveries.ts';
import { startTestHub } from '../support/hub.ts';
import { connectSql } from '../support/sql.ts';
import { subscribe } from '../support/vouchers.ts';

const chart = 'deploy/helm/voucher-hub';
const templates = readdirSync(`${chart}/templates`).map(name =>
  readFileSync(`${chart}/templates/${name}`, 'utf8'),
);
const values = readFileSync(`${chart}/values.yaml`, 'utf8');

test('the chart names only settings that the hub has', () => {
  const known = new Set(settings.map(({ variable }) => variable));
  const named = [values, ...templates].join('\n').matchAll(/\b(HUB|DATABASE|REDIS)_[A-Z_]+\b/g);
  assert.deepEqual(
    [...named].map(([name]) => name).filter(name => !known.has(name)),
    [],
  );
});

test('every value that a template takes stands in values.yaml', () => {
  const given = pathsOf(values);
  // `$part` is each role's, `$scaling` the worker's.
  const scaling = '.Values.worker.autoscaling.';
  const text = templates
    .join('\n')
    .replaceAll('$part.autoscaling', scaling.slice(0, -1))
    .replaceAll('$scaling.', scaling)
    .replaceAll('$part.', '.Values.api.');
  const taken = new Set([...text.matchAll(/\.Values\.([A-Za-z.]*[A-Za-z])/g)].map(([, path]) => path ?? ''));
  assert.ok(taken.size > 20);
  assert.deepEqual(
    [...taken].filter(path => !given.has(path)),
    [],
  );
});

test('the schema of values takes values.yaml, names every value in it, and refuses what is misspelt, of another type or a secret', () => {
  const validate = new Ajv({ strict: false }).compile(
    z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(`${chart}/values.schema.json`, 'utf8'))),
  );
  const given = z.record(z.string(), z.unknown()).parse(parse(values));
  assert.ok(validate(given), JSON.stringify(validate.errors));
  for (const wrong of [
    { replicas: 3 },
    { api: { replica: 3 } },
    { service: { port: '80' } },
    { metrics: { port: 4000 } },
    { networkPolicy: { enabled: 'no' } },
    { settings: { HUB_ADMIN_KEY: 'x' } },
    { settings: { LOG_LEVEL: 'x' } },
  ])
    assert.equal(validate({ ...given, ...wrong }), false, JSON.stringify(wrong));
});

test('each role is given only the secrets that it needs', () => {
  const text = templates.find(template => template.includes('kind: Deployment')) ?? '';
  assert.doesNotMatch(text, /secretRef: \{ name: \{\{ \$secret \}\}/);
  assert.match(text, /eq \$role "api" \}\}\n.*concat \$keys \(list "DATABASE_REPLICA_URL" "HUB_ADMIN_KEY"\)/);
});

test('the question by which workers are scaled gives how many are wanted: by what is due, one a shard at most', async () => {
  const hub = await startTestHub({ env: { HUB_ROLES: 'api' } });
  after(() => hub[Symbol.asyncDispose]());
  const wanted = async () => {
    await using sql = await connectSql(hub.databaseUrl);
    return await sql.count(scalingQuery(10));
  };
  assert.equal(await wanted(), 0);
  const makeSubscription = (name: string, webhookUrl: string | null = 'https://example.com') =>
    subscribe(hub, { name, sourceSystems: [name], webhookUrl });
  for (const name of ['one', 'two', 'three']) await makeSubscription(name);
  await makeSubscription('by socket alone', null);
  const paused = await makeSubscription('paused');
  await hub.data('mutation ($id: ID!) { pauseDataSubscription(id: $id) { id } }', paused);
  for (const name of ['by socket alone', 'paused']) await record(hub, vouchers(name, numbers(30)));
  assert.equal(await wanted(), 0);
  await record(hub, vouchers('one', numbers(50)));
  assert.equal(await wanted(), 1, 'five workers have no more than one shard');
  await record(hub, vouchers('two', numbers(5)));
  assert.equal(await wanted(), 2);
  await record(hub, vouchers('three', numbers(4)));
  assert.equal(await wanted(), 2, '10 + 5 + 4 events');
  await hub.data('mutation { updateDataSubscription(id: "1", input: { shards: 3 }) { shards } }');
  assert.equal(await wanted(), 4, '30 of 50 for three shards + 5 + 4');
});

const hasHelm = spawnSync('helm', ['version']).status === 0;

describe('rendered by helm', { skip: hasHelm ? false : 'helm is not installed' }, () => {
  const render = (...args: string[]) =>
    execFileSync('helm', ['template', 'books', chart, '--kube-version=1.31.0', ...args], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
  const kindsOf = (text: string) =>
    text
      .split(/^---$/m)
      .flatMap(part => /^kind: (\w+)/m.exec(part)?.[1] ?? [])
      .sort();

  test('it has its three roles, each with probes, a budget for disruptions, and nothing to write on but /tmp', () => {
    execFileSync('helm', ['lint', '--strict', chart, '--set=secret=hub'], { stdio: 'pipe' });
    const text = render('--set=secret=hub');
    assert.deepEqual(kindsOf(text), [
      'ConfigMap',
      ...Array<string>(3).fill('Deployment'),
      ...Array<string>(2).fill('NetworkPolicy'),
      ...Array<string>(3).fill('PodDisruptionBudget'),
      'Service',
      'ServiceAccount',
    ]);
    for (const role of ['api', 'worker', 'scheduler'])
      assert.match(text, new RegExp(`name: HUB_ROLES, value: ${role} `));
    for (const line of [
      'readOnlyRootFilesystem: true',
      'runAsNonRoot: true',
      'enableServiceLinks: false',
      'path: /readyz',
      'terminationGracePeriodSeconds: 45',
    ])
      assert.equal(text.split(line).length - 1, 3, line);
  });

  test('an alerts file is mounted where one is given, and pods change with it', () => {
    const text = render('--set=secret=hub', '--set-file=alerts=deploy/alerts.example.yml');
    assert.equal(kindsOf(text).filter(kind => kind === 'ConfigMap').length, 2);
    assert.equal(text.split('{ name: HUB_ALERTS_FILE, value: /etc/voucher-hub/alerts.yml }').length - 1, 2);
    assert.match(text, /^ {2}alerts\.yml: \|\n {4}# Alerts of a hub[^]*\n {4}channels:$/m);
    assert.equal(text.split('name: alerts, mountPath: /etc/voucher-hub').length - 1, 2);
    const checksums = (of: string) => of.match(/checksum\/settings: \w+/g);
    assert.notDeepEqual(checksums(text), checksums(render('--set=secret=hub')));
  });

  test('only the api has the admin key, workers have no secrets of channels, and probes ask the port of metrics', () => {
    const text = render(
      '--set=secret=hub,alertsSecret=channels',
      '--set-file=alerts=deploy/alerts.example.yml',
    );
    const podOf = (role: string) =>
      text.split(/^---$/m).find(part => part.includes(`name: HUB_ROLES, value: ${role} `)) ?? '';
    for (const [role, admin, channels] of [
      ['api', true, true],
      ['worker', false, false],
      ['scheduler', false, true],
    ] as const) {
      const pod = podOf(role);
      assert.equal(pod.includes('key: HUB_ADMIN_KEY'), admin, role);
      assert.equal(pod.includes('secretRef: { name: channels }'), channels, role);
      assert.ok(pod.includes('key: DATABASE_URL') && pod.includes('key: HUB_ENCRYPTION_KEY'), role);
      assert.equal(pod.split(', port: metrics }').length - 1, 3, role);
    }
    assert.match(text, /^ {2}HUB_METRICS_PORT: "9464"$/m);
  });

  test('Ingress, PodMonitor, egress and volumes come where they are asked for', () => {
    const text = render(
      '--set=secret=hub,ingress.enabled=true,ingress.host=hub.example.com,ingress.tlsSecret=cert,metrics.podMonitor.enabled=true',
      '--set-json=networkPolicy.egress=[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8"}}]}]',
      '--set-json=extraVolumes=[{"name":"ca","configMap":{"name":"ca"}}]',
      '--set-json=extraVolumeMounts=[{"name":"ca","mountPath":"/ca"}]',
    );
    assert.ok(['Ingress', 'PodMonitor'].every(kind => kindsOf(text).includes(kind)));
    assert.match(text, /secretName: cert/);
    assert.match(text, /- Egress\n[^]*cidr: 10\.0\.0\.0\/8/);
    assert.equal(text.split('mountPath: /ca').length - 1, 3);
    assert.throws(() => render('--set=secret=hub', '--set=ingress.enabled=true'), /ingress\.host/);
    assert.throws(() => render('--set=secret=hub', '--set=replicas=3'), /replicas/);
    assert.equal(
      kindsOf(render('--set=secret=hub', '--set=networkPolicy.enabled=false')).includes('NetworkPolicy'),
      false,
    );
  });

  test('a pod has the time of the drain delay on top, and a large number stays one', () => {
    const delayed = render('--set=secret=hub', '--set=settings.HUB_DRAIN_DELAY_MS=20500');
    assert.equal(delayed.split('terminationGracePeriodSeconds: 66').length - 1, 3);
    const scaled = render(
      '--set=secret=hub',
      '--set=worker.autoscaling.enabled=true',
      '--set-json=worker.autoscaling.backlogPerWorker=2000000',
    );
    assert.equal(foldedQuery(scaled), scalingQuery(2_000_000));
  });

  test('a Secret must be named, and a scaler that there is', () => {
    assert.throws(() => render(), /secret: the name of a Secret/);
    const scaled = ['--set=secret=hub', '--set=worker.autoscaling.enabled=true'];
    assert.throws(
      () => render(...scaled, '--set=worker.autoscaling.scaler=guess'),
      /postgresql or prometheus/,
    );
    assert.throws(() => render(...scaled, '--set=worker.autoscaling.scaler=prometheus'), /serverAddress/);
  });

  test('scaled by KEDA, the worker has no fixed number, and the question is the one that was tried', () => {
    const text = render(
      '--set=secret=hub',
      '--set=worker.autoscaling.enabled=true',
      '--set=worker.autoscaling.backlogPerWorker=10',
    );
    assert.equal(text.match(/^ {2}replicas: /gm)?.length, 2);
    assert.equal(foldedQuery(text), scalingQuery(10));
    const prometheus = [
      'scaler=prometheus',
      'prometheus.serverAddress=http://p',
      'prometheus.query=max(due)',
    ];
    const other = render(
      '--set=secret=hub',
      '--set=worker.autoscaling.enabled=true',
      ...prometheus.map(value => `--set=worker.autoscaling.${value}`),
    );
    assert.match(other, /type: prometheus[\s\S]*query: "max\(due\)"/);
  });
});

/** The query of the chart's PostgreSQL scaler. */
function scalingQuery(backlogPerWorker: number): string {
  const text = templates.find(template => template.includes('kind: ScaledObject')) ?? '';
  return foldedQuery(text).replaceAll('{{ int64 $scaling.backlogPerWorker }}', String(backlogPerWorker));
}

/** A folded block of YAML as one line. */
function foldedQuery(text: string): string {
  const block = /query: >-\n([\s\S]*?)\n {8}\w/.exec(text)?.[1] ?? '';
  return block
    .split('\n')
    .map(line => line.trim())
    .join(' ');
}

/** Each path of a YAML file of plain nested keys, with dots. */
function pathsOf(yaml: string): Set<string> {
  const paths = new Set<string>();
  const open: string[] = [];
  for (const [, indent = '', key = ''] of yaml.matchAll(/^( *)([A-Za-z_]+):/gm)) {
    open.splice(indent.length / 2, open.length, key);
    paths.add(open.join('.'));
  }
  return paths;
}
