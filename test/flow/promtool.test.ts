import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { numbers, record, settled, vouchers } from '../support/deliveries.ts';
import { startTestHub } from '../support/hub.ts';
import { startReceiver } from '../support/receiver.ts';
import { subscribe } from '../support/vouchers.ts';

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

/** Runs Prometheus' own checker; fails with what it says. */
function promtool(args: readonly string[], input = ''): void {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  assert.equal(status, 0, `promtool ${args.join(' ')}\n${stdout}\n${stderr}`);
}

describe('checked by promtool', { skip: hasPromtool ? false : 'promtool is not installed' }, () => {
  test('Prometheus takes the configuration and the rules, which say of an incident what they should', () => {
    promtool(['check', 'config', 'deploy/prometheus/prometheus.yml']);
    promtool(['check', 'rules', 'deploy/prometheus/rules.yml']);
    promtool(['test', 'rules', 'deploy/prometheus/rules.test.yml']);
  });

  test('what /metrics serves is well formed and named by the conventions', async () => {
    await using hub = await startTestHub();
    await using receiver = await startReceiver();
    const { id } = await subscribe(hub, { webhookUrl: receiver.url, name: 'with "quotes"\\ and 中文' });
    await record(hub, vouchers('metrics', numbers(3)));
    await settled(hub, id);
    const metrics = await (await fetch(`${hub.url}/metrics`)).text();
    assert.match(metrics, /^voucher_hub_delivery_attempts_total\{.*\} [1-9]/m);
    // Node's own, of a library, have names that it complains of (a gauge that ends in _total).
    const own = metrics.split('\n').filter(line => /^(# \w+ )?voucher_hub_/.test(line));
    promtool(['check', 'metrics'], `${own.join('\n')}\n`);
  });
});
