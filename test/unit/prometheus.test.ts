import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { parse } from 'yaml';
import { z } from 'zod';
import { defaultRules, type RuleName } from '../../src/monitoring/alerts/rules.ts';
import { Meters } from '../../src/monitoring/metrics/meters.ts';
import { subscriptionMeterNames } from '../../src/monitoring/metrics/subscription-meters.ts';

const ruleFile = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      rules: z.array(
        z.object({
          record: z.string().optional(),
          alert: z.string().optional(),
          expr: z.string(),
          for: z.string().optional(),
          labels: z.object({ severity: z.enum(['critical', 'warning', 'info']) }).optional(),
          annotations: z.object({ summary: z.string() }).optional(),
        }),
      ),
    }),
  ),
});
const rules = ruleFile
  .parse(parse(readFileSync('deploy/prometheus/rules.yml', 'utf8')))
  .groups.flatMap(group => group.rules);
const recorded = new Set(rules.flatMap(({ record }) => record ?? []));

/** What /metrics serves, by name. */
async function served(): Promise<Set<string>> {
  const names = (await new Meters().registry.getMetricsAsJSON()).map(({ name }) => name);
  return new Set([...names, ...subscriptionMeterNames]);
}

/** The names of metrics and recorded figures in a query. */
function namesIn(query: string): string[] {
  return [...query.matchAll(/\b(voucher_hub[a-z0-9_:]*|nodejs_\w+|process_\w+)\b/g)].map(([name]) => name);
}

async function unknownIn(queries: readonly string[]): Promise<string[]> {
  const known = await served();
  return queries
    .flatMap(namesIn)
    .filter(
      name => !recorded.has(name) && !known.has(name) && !known.has(name.replace(/_(bucket|sum|count)$/, '')),
    );
}

test('every metric that the rules, the dashboard and the chart ask for is served', async () => {
  const dashboard = readFileSync('deploy/grafana/dashboards/voucher-hub.json', 'utf8');
  const { panels } = z
    .object({ panels: z.array(z.object({ targets: z.array(z.object({ expr: z.string() })) })) })
    .parse(JSON.parse(dashboard));
  const shown = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  const values: unknown = parse(readFileSync('deploy/helm/voucher-hub/values.yaml', 'utf8'));
  const scaling = z
    .object({
      worker: z.object({ autoscaling: z.object({ prometheus: z.object({ query: z.string() }) }) }),
    })
    .parse(values).worker.autoscaling.prometheus.query;
  const queries = [...rules.map(({ expr }) => expr), ...shown, scaling];
  assert.ok(queries.every(query => namesIn(query).length > 0 || query.startsWith('up{')));
  assert.deepEqual(await unknownIn(queries), []);
  assert.deepEqual(await unknownIn(['voucher_hub_no_such_metric']), ['voucher_hub_no_such_metric']);
});

test("the rules for Prometheus have the thresholds and severities of the hub's own", () => {
  const figures: Partial<Record<RuleName, RegExp>> = {
    success_rate: /^voucher_hub:subscription_success_rate:last_hour < /,
    latency: /^voucher_hub:subscription_event_latency_seconds:last_hour > /,
    failures: /^sum\(voucher_hub:subscription_failed:last_hour\) > /,
    backlog: /^voucher_hub:subscription_backlog:syncs > /,
    retrying: /^voucher_hub:subscription_retrying:syncs > /,
    failures_in_row: /voucher_hub_subscription_failures_in_row\) > /,
    consistency: /voucher_hub_subscription_consistency_differences\) > /,
    data_refused: /voucher_hub_subscription_refused_last_hour\) > /,
    suspended: /voucher_hub_subscription_state\{state="suspended"\}\) > /,
  };
  for (const { name, levels } of defaultRules) {
    const figure = figures[name];
    if (figure === undefined) continue;
    const alerts = rules
      .filter(({ alert, expr }) => alert !== undefined && figure.test(expr))
      .map(({ expr, labels }) => `${labels?.severity} ${expr.split(' ').at(-1)}`);
    // That a single sync FAILED is told by the hub itself; the design's table begins at ten an hour.
    const wanted = levels
      .filter(({ threshold }) => name !== 'failures' || threshold > 0)
      .map(({ severity, threshold }) => `${severity} ${threshold}`);
    assert.deepEqual(alerts.toSorted(), wanted.toSorted(), name);
  }
});

test('names go by the conventions of Prometheus: one prefix, base units, counters that end in _total', async () => {
  const registry: Registry = new Meters().registry;
  for (const { name, type } of await registry.getMetricsAsJSON()) {
    if (!name.startsWith('voucher_hub')) continue;
    assert.match(name, /^voucher_hub_[a-z_]+$/);
    assert.equal(name.endsWith('_total'), String(type) === 'counter', name);
  }
  assert.ok(
    subscriptionMeterNames.every(name => /^voucher_hub_[a-z_]+$/.test(name) && !name.endsWith('_total')),
  );
});

test('attempts and vouchers are counted by what came of them, from 0 on', async () => {
  const meters = new Meters();
  meters.recorded('created');
  meters.attempted('webhook', [
    { status: 'success', durationMs: 30 },
    { status: 'retrying', durationMs: 700 },
  ]);
  const text = await meters.registry.metrics();
  for (const line of [
    'voucher_hub_vouchers_recorded_total{outcome="created"} 1',
    'voucher_hub_vouchers_recorded_total{outcome="refused"} 0',
    'voucher_hub_delivery_attempts_total{transport="webhook",result="success"} 1',
    'voucher_hub_delivery_attempts_total{transport="webhook",result="retrying"} 1',
    'voucher_hub_delivery_attempts_total{transport="websocket",result="failed"} 0',
    'voucher_hub_delivery_attempt_duration_seconds_bucket{le="0.05",transport="webhook"} 1',
    'voucher_hub_delivery_attempt_duration_seconds_count{transport="webhook"} 2',
  ])
    assert.ok(text.includes(`${line}\n`), line);
});
