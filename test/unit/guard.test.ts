import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { after, before, test } from 'node:test';
import { Agent, request } from 'undici';
import { systemClock } from '../../src/core/clock.ts';
import { errorCodeOf, messageOf } from '../../src/core/errors.ts';
import { createGuardedConnector } from '../../src/delivery/webhook/connector.ts';
import {
  checkTargetUrl,
  parseTargetAllow,
  permittedAddresses,
  type ResolveAll,
  resolveBySystem,
} from '../../src/delivery/webhook/guard.ts';
import { once } from '../support/wait.ts';

const agents: Agent[] = [];
let server: Server;
let port: number;

before(async () => {
  // Both families where the machine has IPv6.
  server = createServer((_request, response) => response.end('reached')).listen(0);
  await once(server, 'listening');
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
after(async () => {
  await Promise.all(agents.map(agent => agent.destroy()));
  server.close();
});

interface Outcome {
  readonly body: string | null;
  readonly code: string | null;
  readonly message: string;
}

function agentFor(allow: string, lookup: ResolveAll = resolveBySystem, connectMs = 1_000): Agent {
  const options = { allow: parseTargetAllow(allow), clock: systemClock, connectMs, lookup };
  const agent = new Agent({ connect: createGuardedConnector(options), allowH2: false });
  agents.push(agent);
  return agent;
}

async function get(url: string, agent: Agent): Promise<Outcome> {
  try {
    const answer = await request(url, { dispatcher: agent });
    return { body: await answer.body.text(), code: null, message: '' };
  } catch (error) {
    return { body: null, code: errorCodeOf(error) ?? 'none', message: messageOf(error) };
  }
}

/** A resolver that gives one list after another, the last for ever, and counts. */
function resolver(...lists: string[][]): ResolveAll & { calls: () => number } {
  let calls = 0;
  const resolve: ResolveAll = async () => {
    const list = lists[Math.min(calls++, lists.length - 1)] ?? [];
    return list.map(address => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  return Object.assign(resolve, { calls: () => calls });
}

test('every spelling of a forbidden literal address is refused without a connection', async () => {
  const agent = agentFor('none');
  let connections = 0;
  server.on('connection', () => connections++);
  for (const host of [
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f.1',
    '0x7f000001',
    '0177.0.0.1',
    '127.0.0.1.',
    '0',
    '0.0.0.0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[0:0:0:0:0:ffff:127.0.0.1]',
    '[::127.0.0.1]',
    '[64:ff9b::127.0.0.1]',
    '①②⑦.0.0.1',
  ]) {
    const outcome = await get(`http://${host}:${port}/`, agent);
    assert.equal(outcome.code, 'TARGET_NOT_ALLOWED', `${host}: ${outcome.code} ${outcome.message}`);
  }
  assert.equal(connections, 0);
});

const forbidden = [
  '0.1.2.3',
  '10.0.0.1',
  '100.64.0.1',
  '100.127.255.255',
  '127.255.0.1',
  '168.63.129.16',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.1',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.1.1',
  '198.18.0.1',
  '198.19.255.255',
  '198.51.100.1',
  '203.0.113.9',
  '224.0.0.1',
  '239.1.2.3',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::8.8.8.8',
  '::ffff:10.0.0.1',
  '::ffff:0:8.8.8.8',
  '64:ff9b::10.0.0.1',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::8.8.8.8',
  '100::1',
  '2001::1',
  '2001:0:4136:e378:8000:63bf:3fff:fdd2',
  '2001:2::1',
  '2001:10::1',
  '2001:20::1',
  '2001:db8::1',
  '2002:7f00:1::',
  '2002:808:808::1',
  '3fff::1',
  '5f00::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
  '4000::1',
  '8000::1',
];
const open = [
  '1.1.1.1',
  '8.8.8.8',
  '100.63.0.1',
  '100.128.0.1',
  '172.15.0.1',
  '172.32.0.1',
  '11.0.0.1',
  '223.255.255.1',
  '2606:4700::1111',
  '2a00:1450::1',
  '2400:3200::1',
  '64:ff9b::8.8.8.8',
  '::ffff:8.8.8.8',
];

/** Whether the guard refuses a name that resolves to this address; makes no connection. */
async function refused(address: string, allow = 'none'): Promise<boolean> {
  try {
    const found = await permittedAddresses(parseTargetAllow(allow), 'target.example', resolver([address]));
    assert.deepEqual(
      found.map(one => one.address),
      [address],
    );
    return false;
  } catch (error) {
    assert.equal(errorCodeOf(error), 'TARGET_NOT_ALLOWED');
    return true;
  }
}

test('every range that is not public is refused by the address that a name resolves to', async () => {
  for (const address of forbidden) assert.equal(await refused(address), true, address);
});

test('public addresses next to the refused ranges are let through, NAT64 by the address inside', async () => {
  for (const address of open) assert.equal(await refused(address), false, address);
});

test('the refusal names the host, the range and the setting, and not the address', async () => {
  const outcome = await get('http://internal.example/', agentFor('none', resolver(['10.20.30.40'])));
  assert.equal(outcome.code, 'TARGET_NOT_ALLOWED');
  assert.equal(
    outcome.message,
    'The hub may not reach internal.example: its address is private (10.0.0.0/8). HUB_TARGET_ALLOW can permit it.',
  );
});

test('cloud metadata is refused as a literal and by name', async () => {
  assert.equal(
    (await get('http://169.254.169.254/latest/meta-data/', agentFor('none'))).code,
    'TARGET_NOT_ALLOWED',
  );
  assert.equal(
    (await get('http://metadata.example/', agentFor('none', resolver(['169.254.169.254'])))).code,
    'TARGET_NOT_ALLOWED',
  );
});

test('one forbidden address among public ones refuses the name', async () => {
  for (const list of [
    ['127.0.0.1', '8.8.8.8'],
    ['8.8.8.8', '2606:4700::1', '::1'],
  ]) {
    assert.equal(
      (await get(`http://mixed.example:${port}/`, agentFor('none', resolver(list)))).code,
      'TARGET_NOT_ALLOWED',
    );
  }
});

test('a name that resolves differently at its second connection is refused then', async () => {
  const resolve = resolver(['127.0.0.1'], ['10.0.0.1']);
  const agent = agentFor('127.0.0.0/8', resolve);
  assert.equal((await get(`http://rebind.example:${port}/`, agent)).body, 'reached');
  server.closeAllConnections();
  let second = await get(`http://rebind.example:${port}/`, agent);
  // The closed idle connection may be noticed only by this request.
  if (second.code !== 'TARGET_NOT_ALLOWED') second = await get(`http://rebind.example:${port}/`, agent);
  assert.equal(second.code, 'TARGET_NOT_ALLOWED');
  assert.equal(resolve.calls(), 2);
});

test('the connection goes to the address that was vetted, with no second look-up', async () => {
  const resolve = resolver(['127.0.0.1'], ['169.254.169.254']);
  assert.equal(
    (await get(`http://vetted.example:${port}/`, agentFor('127.0.0.0/8', resolve))).body,
    'reached',
  );
  assert.equal(resolve.calls(), 1);
});

test('a listed name is permitted whatever it resolves to, and only that name', async () => {
  assert.equal((await get(`http://localhost:${port}/`, agentFor('localhost'))).body, 'reached');
  assert.equal((await get(`http://LOCALHOST:${port}/`, agentFor('Localhost'))).body, 'reached');
  assert.equal(
    (await get(`http://box.example.:${port}/`, agentFor('box.example', resolver(['127.0.0.1'])))).body,
    'reached',
  );
  assert.equal((await get(`http://127.0.0.1:${port}/`, agentFor('localhost'))).code, 'TARGET_NOT_ALLOWED');
  assert.equal(
    (await get(`http://sub.box.example:${port}/`, agentFor('box.example', resolver(['127.0.0.1'])))).code,
    'TARGET_NOT_ALLOWED',
  );
});

test('an allowed range permits literals and names within it, also where IPv4 is written as IPv6', async () => {
  const agent = agentFor('10.0.0.0/8, 127.0.0.0/8');
  for (const host of ['127.0.0.1', '0x7f.1', '[::ffff:127.0.0.1]']) {
    assert.equal((await get(`http://${host}:${port}/`, agent)).body, 'reached', host);
  }
  assert.equal(await refused('192.168.0.1', '10.0.0.0/8'), true);
  assert.equal(await refused('10.9.9.9', '10.0.0.0/8'), false);
  assert.equal(await refused('fd00::5', 'fd00::/8'), false);
  assert.equal(await refused('fe80::5', 'fd00::/8'), true);
  assert.equal(await refused('64:ff9b::10.0.0.1', '10.0.0.0/8'), false);
  assert.equal(await refused('192.168.0.7', '192.168.0.7'), false);
  assert.equal(await refused('192.168.0.8', '192.168.0.7'), true);
});

test('a name without an address and a resolver that fails are reported with their codes', async () => {
  assert.equal((await get('http://empty.example/', agentFor('none', resolver([])))).code, 'ENOTFOUND');
  const failing: ResolveAll = () =>
    Promise.reject(Object.assign(new Error('try again'), { code: 'EAI_AGAIN' }));
  assert.equal((await get('http://failing.example/', agentFor('none', failing))).code, 'EAI_AGAIN');
});

test('a resolver that never answers ends with the connection’s time-out', async () => {
  const agent = agentFor('none', () => new Promise(() => {}), 50);
  assert.equal((await get('http://silent.example/', agent)).code, 'UND_ERR_CONNECT_TIMEOUT');
});

test('HUB_TARGET_ALLOW takes names, ranges and addresses, and none', () => {
  for (const empty of ['none', '', ' none '])
    assert.deepEqual(parseTargetAllow(empty), { names: new Set(), ranges: [] });
  const allow = parseTargetAllow('localhost, 127.0.0.0/8,::1/128 ,192.168.1.7,Tax_Box.Intern.,税务.example,');
  assert.deepEqual([...allow.names], ['localhost', 'tax_box.intern', 'xn--zfr703g.example']);
  assert.deepEqual(
    allow.ranges.map(([address, bits]) => `${address.toString()}/${bits}`),
    ['127.0.0.0/8', '::1/128', '192.168.1.7/32'],
  );
});

test('HUB_TARGET_ALLOW names the entry that it cannot read', () => {
  for (const bad of [
    '10.0.0.0/33',
    '::/129',
    '10/8',
    '10.0.0.0/8/8',
    '10.0.0.0/',
    '10.0.0.0/x',
    'host:80',
    'http://host',
    'a b',
    '*.example',
    '0x7f.1',
    '2130706433',
    'fe80::1%eth0',
    '[::1]',
    '::ffff:10.0.0.0/104',
    'none',
    '-x-',
    'user@host',
  ]) {
    assert.throws(() => parseTargetAllow(`localhost,${bad}`), {
      name: 'TypeError',
      message: `HUB_TARGET_ALLOW: "${bad}" is neither a host name nor an IP address nor a CIDR range`,
    });
  }
});

test('a target’s URL is checked as it stands', () => {
  for (const good of [
    'https://tax.example/hook',
    'http://127.0.0.1:8080/a?b=c',
    'https://[2606:4700::1]/x',
    'https://税务.example/回调',
  ]) {
    assert.equal(checkTargetUrl(good), null, good);
  }
  const bad: [string, RegExp][] = [
    ['tax.example/hook', /absolute/],
    ['', /absolute/],
    ['http://', /absolute/],
    ['ftp://tax.example/', /http/],
    ['file:///etc/passwd', /http/],
    ['javascript:1', /http/],
    ['https://user@tax.example/', /user name/],
    ['https://:pw@tax.example/', /user name/],
    ['https://tax.example/#', /fragment/],
    ['https://tax.example/#x', /fragment/],
    [' https://tax.example/', /white space/],
    ['https://tax.example/a\nb', /white space/],
    ['https://tax\t.example/', /white space/],
    [`https://tax.example/${'a'.repeat(2_048)}`, /2048/],
    ['http://999.1.1.1/', /absolute/],
  ];
  for (const [url, problem] of bad) assert.match(checkTargetUrl(url) ?? 'nothing', problem, url);
});
