import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HubError } from '../../src/core/errors.ts';
import { parseAlertFile, readAlertFile } from '../../src/monitoring/alerts/alert-file.ts';
import { defaultRules } from '../../src/monitoring/alerts/rules.ts';
import { missingReferences, unfitReferences } from '../../src/monitoring/channels/open-channels.ts';

/** The lines that a file is refused with. */
function faults(text: string): string[] {
  try {
    parseAlertFile(text, 'alerts.yml');
  } catch (error) {
    assert.ok(error instanceof HubError);
    return error.message
      .split('\n')
      .slice(1)
      .map(line => line.trim());
  }
  return [];
}

test('the sample file fits, names no secret, and says what its references stand for', async () => {
  const { settings, isEmpty } = await readAlertFile('deploy/alerts.example.yml');
  assert.equal(isEmpty, false);
  assert.equal(settings.channels.length, 9);
  assert.deepEqual(settings.policy.escalation.critical, { afterMs: 900_000, to: ['director'] });
  assert.deepEqual([...settings.policy.firingOnly], ['phone', 'director']);
  assert.deepEqual(settings.quietHours, { from: 1_320, to: 420, severities: ['warning', 'info'] });
  const backlog = settings.rules.find(({ name }) => name === 'backlog');
  assert.deepEqual([backlog?.forMs, backlog?.scopes, backlog?.hysteresis], [300_000, ['subscription'], 0.2]);
  const missing = await missingReferences(settings.channels, { WECOM_ROBOT_URL: 'https://x' });
  assert.ok(
    missing.includes('${ALIYUN_ACCESS_KEY_SECRET}') && missing.includes('file:/run/secrets/smtp_password'),
  );
  assert.ok(!missing.includes('${WECOM_ROBOT_URL}'));
});

test('an empty file means the default rules, told to nobody', () => {
  const { settings, isEmpty } = parseAlertFile('# nothing\n', 'alerts.yml');
  assert.equal(isEmpty, true);
  assert.deepEqual(settings.rules, defaultRules);
  assert.deepEqual(settings.policy.routes, { critical: [], warning: [], info: [] });
});

test('what does not fit is named by line and key, and never quoted', () => {
  const secret = 'https://qyapi.example/send?key=hunter2';
  const text = `channels:
  wecom:
    type: wecom
    url: ${secret}
  mail:
    type: email
    host: smtp.example.com
    from: hub
    to: [ops@example.com]
routes:
  critical: [wecom, pager]
  urgent: [wecom]
quietHours: { from: "22:00", to: "25:00" }
rules:
  success_rate:
    for: 5 minutes
    levels:
      - { severity: critical, threshold: 95 }
      - { severity: info, threshold: 99.9 }
  sucess: {}
`;
  const found = faults(text);
  const expected = [
    /^line 4: channels\.wecom\.url: must be \$\{VARIABLE\}/,
    /^line 8: channels\.mail\.from: must be an e-mail address/,
    /^line 12: routes\.urgent: there is no such setting/,
    /^line 13: quietHours\.to: must be a time of day/,
    /^line 16: rules\.success_rate\.for: must be a time span/,
    /^line 20: rules\.sucess: /,
  ];
  for (const pattern of expected)
    assert.ok(
      found.some(line => pattern.test(line)),
      `${pattern} in\n${found.join('\n')}`,
    );
  assert.ok(!found.join().includes('hunter2'));
});

test('what fits by itself and not together is refused too', () => {
  assert.deepEqual(faults('routes:\n  critical:\n    - sms\n'), [
    'line 3: routes.critical.0: there is no channel sms',
  ]);
  assert.deepEqual(
    faults(
      'rules:\n  success_rate:\n    levels:\n      - { severity: critical, threshold: 95 }\n      - { severity: info, threshold: 99.9 }\n',
    ),
    [
      'line 5: rules.success_rate.levels.1.threshold: must be below the level before: the mildest comes first',
    ],
  );
  assert.deepEqual(faults('rules:\n  suspended:\n    scopes: [overall]\n'), [
    'line 3: rules.suspended.scopes.0: this rule has no scope overall',
  ]);
  assert.deepEqual(faults('a: [1\n'), ['line 2: no valid YAML (BAD_INDENT)']);
});

test('one fault hides no other: what does not fit together is told beside what does not fit by itself', () => {
  const text = `channels:
  wecom: { type: wecom, url: plain }
routes: { critical: [wecom, pager], sometimes: [] }
often: 1
seldom: 2
rules:
  backlog: { window: soon }
  latency: { window: 0s, clearAfter: 400d }
  success_rate:
    levels:
      - { severity: critical, threshold: 120 }
escalation: { critical: { after: 15m, to: [director] } }
`;
  assert.deepEqual(faults(text), [
    'line 2: channels.wecom.url: must be ${VARIABLE} or file:/path: a secret does not stand in this file',
    'line 3: routes.sometimes: there is no such setting',
    'line 4: often: there is no such setting',
    'line 5: seldom: there is no such setting',
    'line 7: rules.backlog.window: must be a time span: 90s, 15m, 1h or 2d',
    'line 8: rules.latency.window: must be 15s or more: rules are evaluated that often',
    'line 8: rules.latency.clearAfter: must be 31d or less',
    'line 11: rules.success_rate.levels.0.threshold: must be 0 to 100',
    'line 12: escalation.critical.to.0: there is no channel director',
  ]);
});

test('aliases that lead nowhere, or to a text without end, are named by their line', () => {
  const nines = (of: string) => `[${Array(9).fill(of).join(', ')}]`;
  const bomb = `a: &a ${nines('x')}\nb: &b ${nines('*a')}\nc: &c ${nines('*b')}\nd: ${nines('*c')}\n`;
  assert.deepEqual(faults(bomb), ['line 2: aliases are nested too deep']);
  assert.deepEqual(faults('routes: {}\nrules: *secret\n'), [
    'line 2: there is no anchor of this name before it',
  ]);
  assert.deepEqual(faults('rules:\n  backlog: &same { for: 5m }\n  latency: *same\n'), []);
});

test('what a reference to an address stands for is looked at where it is there, and never shown', async () => {
  const { settings } = parseAlertFile(
    'channels:\n  slack: { type: slack, url: "${SLACK}" }\n  wecom: { type: wecom, url: "${WECOM}" }\n  ding: { type: dingtalk, url: "${DING}" }\n',
    'alerts.yml',
  );
  assert.deepEqual(
    await unfitReferences(settings.channels, { SLACK: 'hooks.slack.com/x', WECOM: 'https://x.example' }),
    ['channels.slack.url: ${SLACK} holds no http(s) address'],
  );
});

test('what does not fit is told in the project’s words', () => {
  const cases: [string, string][] = [
    ['channels: 5', 'channels: must be a map of names to settings'],
    [
      'channels: { a: { type: fax } }',
      'channels.a.type: must be wecom, dingtalk, feishu, slack, webhook, email, aliyun-sms or aliyun-voice',
    ],
    ['channels: { a: { type: wecom } }', 'channels.a.url: is missing'],
    ['routes: { critical: wecom }', 'routes.critical: must be a list: [one, another]'],
    ['rules: { backlog: { enabled: maybe } }', 'rules.backlog.enabled: must be true or false'],
    ['rules: { backlog: { levels: [] } }', 'rules.backlog.levels: must have 1 or more entries'],
    ['rules: { backlog: { hysteresis: 2 } }', 'rules.backlog.hysteresis: must be 0.9 or less'],
    ['rules: { backlog: { minimum: 0.5 } }', 'rules.backlog.minimum: must be a whole number'],
    [
      'rules: { backlog: { window: 5 } }',
      'rules.backlog.window: must be a text (in quotes where it looks like a number)',
    ],
    ['- a', 'the file: must be a map of settings'],
  ];
  for (const [text, fault] of cases) assert.deepEqual(faults(text), [`line 1: ${fault}`]);
});
