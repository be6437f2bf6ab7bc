import { promises as dns, type LookupAddress } from 'node:dns';
import { isIP, isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { HubCode } from '../../core/delivery-codes.ts';
import { limits } from '../../core/limits.ts';
import { type AddressRange, forbiddenRangeOf, inRange, readAddress } from './address-ranges.ts';

/** Holds what `HUB_TARGET_ALLOW` permits beyond public addresses; made by `parseTargetAllow`. */
export interface TargetAllow {
  /** Host names, lower case, ASCII: permitted whatever they resolve to. */
  readonly names: ReadonlySet<string>;
  readonly ranges: readonly AddressRange[];
}

/** All addresses of a host name; rejects as `dns.lookup` does. */
export type ResolveAll = (hostname: string) => Promise<LookupAddress[]>;

/** The hub may not reach this target: its address is in a range that is not public and not allowed. */
export class TargetNotAllowedError extends Error {
  override readonly name = 'TargetNotAllowedError';
  readonly code = 'TARGET_NOT_ALLOWED' satisfies HubCode;
}

/**
 * Reads `HUB_TARGET_ALLOW`: host names, CIDR ranges and single addresses with commas; `none` or empty: nothing.
 * @throws {TypeError} that names the entry that is none of these.
 */
export function parseTargetAllow(text: string): TargetAllow {
  const names = new Set<string>();
  const ranges: AddressRange[] = [];
  const entries = text.split(',').map(entry => entry.trim());
  for (const entry of entries.length === 1 && entries[0] === 'none' ? [] : entries) {
    if (entry === '') continue;
    const range = parseRange(entry);
    const name = range === null ? parseName(entry) : null;
    if (range !== null) ranges.push(range);
    else if (name !== null) names.add(name);
    else
      throw new TypeError(
        `HUB_TARGET_ALLOW: "${entry}" is neither a host name nor an IP address nor a CIDR range`,
      );
  }
  return { names, ranges };
}

/** Gives what is wrong with a target's URL as it stands, to follow its field's name; null: nothing. */
export function checkTargetUrl(url: string): string | null {
  if (url.length > limits.urlLength) return `must not be longer than ${limits.urlLength} characters`;
  // The parser would drop these in silence, and what is stored would not be what is called.
  if (/[\p{Cc}\p{Z}]/u.test(url)) return 'must not contain white space or control characters';
  const parsed = URL.parse(url);
  if (parsed === null) return 'must be an absolute URL';
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')
    return 'must begin with http:// or https://';
  if (parsed.username !== '' || parsed.password !== '') return 'must not contain a user name or password';
  return url.includes('#') ? 'must not have a fragment (#…)' : null;
}

/**
 * The addresses of a host, which may be an address itself; without the brackets that IPv6 has in a URL.
 * @throws TargetNotAllowedError where one of them is forbidden; what `resolve` throws, or ENOTFOUND where there is none
 */
export async function permittedAddresses(
  allow: TargetAllow,
  host: string,
  resolve: ResolveAll,
): Promise<[LookupAddress, ...LookupAddress[]]> {
  const family = isIP(host);
  const [first, ...others] = family === 0 ? await resolve(host) : [{ address: host, family }];
  if (first === undefined) throw Object.assign(new Error(`no address for ${host}`), { code: 'ENOTFOUND' });
  const found = [first, ...others] as const;
  const refusal = refusalOf(
    allow,
    host,
    found.map(({ address }) => address),
  );
  if (refusal !== null) throw refusal;
  return [...found];
}

function refusalOf(
  allow: TargetAllow,
  host: string,
  addresses: readonly string[],
): TargetNotAllowedError | null {
  if (allow.names.has(host.toLowerCase().replace(/\.$/, ''))) return null;
  for (const text of addresses) {
    const { written, reached } = readAddress(text);
    if (allow.ranges.some(range => inRange(written, range) || inRange(reached, range))) continue;
    const range = forbiddenRangeOf(reached);
    if (range === null) continue;
    return new TargetNotAllowedError(
      `The hub may not reach ${host}: its address is ${range}. HUB_TARGET_ALLOW can permit it.`,
    );
  }
  return null;
}

function parseRange(entry: string): AddressRange | null {
  const [host = '', bits, ...rest] = entry.split('/');
  if (isIP(host) === 0 || host.includes('%') || rest.length > 0) return null;
  const address = ipaddr.parse(host);
  const width = isIPv4(host) ? 32 : 128;
  // A mapped range would never match: addresses are compared in their IPv4 form.
  if (address.kind() === 'ipv6' && ipaddr.process(host).kind() === 'ipv4') return null;
  if (bits === undefined) return [address, width];
  return /^\d{1,3}$/.test(bits) && Number(bits) <= width ? [address, Number(bits)] : null;
}

/** Also refuses what a URL would turn into an address (`0x7f.1`): such a host is judged by ranges. */
function parseName(entry: string): string | null {
  const host = URL.parse(`http://${entry}`)?.hostname.replace(/\.$/, '') ?? '';
  const plain = !/[/:@?#[\]%\\\s]/.test(entry) && entry !== 'none';
  return plain && isIP(host) === 0 && /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(host) ? host : null;
}

/** All addresses of a host as the system knows them (its hosts file and DNS). */
export function resolveBySystem(hostname: string): Promise<LookupAddress[]> {
  return dns.lookup(hostname, { all: true });
}
