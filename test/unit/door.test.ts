import assert from 'node:assert/strict';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { readConfig } from '../../src/config/config.ts';
import { callerAddress } from '../../src/server/guards/caller-address.ts';
import { blockOf } from '../../src/server/guards/connections.ts';

/** A request from an address, with a header `X-Forwarded-For`. */
function requestFrom(address: string, forwarded: string | undefined): IncomingMessage {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: address });
  const request = new IncomingMessage(socket);
  if (forwarded !== undefined) request.headers['x-forwarded-for'] = forwarded;
  return request;
}

describe('who called', () => {
  const { trustedProxies } = readConfig({ HUB_TRUSTED_PROXIES: '10.0.0.0/8, 2001:db8::/32,192.0.2.1' });
  const cases: [what: string, direct: string, forwarded: string | undefined, address: string][] = [
    ['no proxy', '203.0.113.5', undefined, '203.0.113.5'],
    ['who is no trusted proxy is not believed', '203.0.113.5', '198.51.100.1', '203.0.113.5'],
    ['a trusted one is', '10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['in the form of IPv6 too', '::ffff:10.1.2.3', '198.51.100.1', '198.51.100.1'],
    [
      'what the caller itself wrote in front does not count',
      '192.0.2.1',
      '1.1.1.1, 198.51.100.1',
      '198.51.100.1',
    ],
    ['proxies behind one another', '10.1.2.3', '198.51.100.1, 2001:db8::7', '198.51.100.1'],
    ['with ports', '10.1.2.3', '198.51.100.1:4711, [2001:db8::7]:443', '198.51.100.1'],
    ['a trusted one that says nothing', '10.1.2.3', undefined, '10.1.2.3'],
    ['no address', '10.1.2.3', 'unknown', '10.1.2.3'],
    ['behind no address', '10.1.2.3', '1.1.1.1, unknown, 10.9.9.9', '10.9.9.9'],
  ];
  for (const [what, direct, forwarded, address] of cases)
    test(what, () => assert.equal(callerAddress(requestFrom(direct, forwarded), trustedProxies), address));
});

test('addresses of IPv6 count by their first half, those of IPv4 one by one, however they are written', () => {
  assert.equal(blockOf('203.0.113.5'), '203.0.113.5');
  assert.equal(blockOf('::ffff:203.0.113.5'), '203.0.113.5');
  assert.equal(blockOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
  assert.equal(blockOf('2001:DB8:1:2::1'), '2001:db8:1:2::/64');
  assert.equal(blockOf('2001:db8::1'), '2001:db8:0:0::/64');
  assert.equal(blockOf('::1'), '0:0:0:0::/64');
  assert.equal(blockOf('fe80::1%eth0'), 'fe80:0:0:0::/64');
});

test('a range of proxies that is none is refused by its place', () => {
  for (const wrong of ['10.0.0.0/33', '10.0.0.0/x', 'proxy.internal', '10.0.0.0/8/8', '1.2.3', '::/129'])
    assert.throws(
      () => readConfig({ HUB_TRUSTED_PROXIES: `192.0.2.1,${wrong}` }),
      /HUB_TRUSTED_PROXIES: entry 2 is neither/,
      wrong,
    );
});
