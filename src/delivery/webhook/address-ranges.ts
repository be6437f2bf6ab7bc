import ipaddr from 'ipaddr.js';

/** An IP address as ipaddr.js holds it. */
export type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** An address and the number of its leading bits that count. */
export type AddressRange = readonly [base: Address, bits: number];

/**
 * Addresses that are nobody's public server (the IANA special-purpose registries, as Svix, smokescreen and
 * Hook0 block them). First match names the range.
 */
const forbiddenV4 = table([
  ['unspecified', '0.0.0.0/8'],
  ['private', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'],
  ['shared (carrier NAT)', '100.64.0.0/10'],
  ['loopback', '127.0.0.0/8'],
  ['link-local', '169.254.0.0/16'],
  ['a cloud’s host service', '168.63.129.16/32'],
  ['reserved for protocols', '192.0.0.0/24', '192.88.99.0/24'],
  ['for documentation', '192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24'],
  ['for benchmarks', '198.18.0.0/15'],
  ['multicast', '224.0.0.0/4'],
  ['broadcast', '255.255.255.255/32'],
  ['reserved', '240.0.0.0/4'],
]);

/** The last entry closes all that is not 2000::/3, the only part of IPv6 from which servers have addresses. */
const forbiddenV6 = table([
  ['unspecified', '::/128'],
  ['loopback', '::1/128'],
  ['local NAT64', '64:ff9b:1::/48'],
  ['unique local (private)', 'fc00::/7'],
  ['link-local', 'fe80::/10'],
  ['site-local', 'fec0::/10'],
  ['multicast', 'ff00::/8'],
  ['Teredo', '2001::/32'],
  ['reserved for protocols', '2001::/23'],
  ['for documentation', '2001:db8::/32', '3fff::/20'],
  ['6to4', '2002::/16'],
  ['not public', '::/3', '4000::/2', '8000::/1'],
]);

/** NAT64's well-known prefix (RFC 6052): the IPv4 address in its last 32 bits is what is reached. */
const nat64 = ipaddr.parseCIDR('64:ff9b::/96');

/**
 * Reads an address as a resolver or a URL gives it.
 * - `written`: as it stands, `::ffff:a.b.c.d` as IPv4
 * - `reached`: what a connection to it would come to: for NAT64, the IPv4 address inside
 */
export function readAddress(text: string): { written: Address; reached: Address } {
  // ipaddr.js takes the obsolete `::a.b.c.d` for `::ffff:a.b.c.d`.
  const written = ipaddr.process(text.replace(/^::(?=\d+\.)/, '::0:'));
  const reached = inRange(written, nat64) ? new ipaddr.IPv4(written.toByteArray().slice(12)) : written;
  return { written, reached };
}

/** The name and extent of the range that makes an address no public server's; null: it may be one. */
export function forbiddenRangeOf(address: Address): string | null {
  const entry = (address.kind() === 'ipv4' ? forbiddenV4 : forbiddenV6).find(({ range }) =>
    inRange(address, range),
  );
  return entry === undefined ? null : `${entry.name} (${entry.cidr})`;
}

/** Tells whether an address lies in a range; never across families. */
export function inRange(address: Address, [base, bits]: AddressRange): boolean {
  return address.kind() === base.kind() && address.match(base, bits);
}

function table(rows: readonly (readonly [name: string, ...cidrs: string[]])[]) {
  return rows.flatMap(([name, ...cidrs]) =>
    cidrs.map(cidr => ({ name, cidr, range: ipaddr.parseCIDR(cidr) })),
  );
}
