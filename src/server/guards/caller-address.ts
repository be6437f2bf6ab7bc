import type { IncomingMessage } from 'node:http';
import { type BlockList, isIP, isIPv6 } from 'node:net';

/**
 * The address that a request came from. A proxy is believed about who asked it only where it is a trusted one;
 * of several addresses in `X-Forwarded-For` the last one counts that no trusted proxy has.
 */
export function callerAddress(request: IncomingMessage, trusted: BlockList): string {
  const direct = request.socket.remoteAddress ?? '';
  if (!isTrusted(direct, trusted)) return direct;
  const header = request.headers['x-forwarded-for'];
  const named = String(header ?? '')
    .split(',')
    .map(part => withoutPort(part.trim()))
    .reverse();
  let last = direct;
  for (const address of named) {
    // What stands before something that is no address was not written by a proxy that is trusted.
    if (isIP(address) === 0) break;
    last = address;
    if (!isTrusted(address, trusted)) break;
  }
  return last;
}

function isTrusted(address: string, trusted: BlockList): boolean {
  return isIP(address) !== 0 && trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** Some proxies write `203.0.113.7:51234` or `[2001:db8::1]:51234`. */
function withoutPort(text: string): string {
  return /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1] ?? text;
}
