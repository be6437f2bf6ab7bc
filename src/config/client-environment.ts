import { readConfig } from './config.ts';
import { port } from './setting-types.ts';

/** Variables that only commands read which ask a running hub. */
export const commandVariables: readonly string[] = ['HUB_URL', 'HUB_KEY', 'HUB_WEBHOOK_SECRET'];

/**
 * Gives what the commands that talk to a running hub take from the environment. Without HUB_URL it is the hub that would
 * be started with this environment, so that `HUB_PORT=4711 hub doctor` finds what `HUB_PORT=4711 hub start` started.
 */
export function readClientEnvironment(env: NodeJS.ProcessEnv): {
  url: string | undefined;
  key: string | undefined;
  /** As it stands there: may be none. */
  timeZone: string;
} {
  const timeZone = env.HUB_TIME_ZONE?.trim() || readConfig({}).timeZone;
  return { url: env.HUB_URL?.trim() || addressIn(env), key: env.HUB_KEY?.trim() || undefined, timeZone };
}

/** Tells where a hub that listens on a host and port is asked from the same machine. */
export function localAddress(host: string, listensOn: number): string {
  // A hub that listens on all addresses answers on the loopback, and not every system connects to 0.0.0.0.
  const reached = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${listensOn}`;
}

/** Undefined where neither host nor port is set. */
function addressIn(env: NodeJS.ProcessEnv): string | undefined {
  const host = env.HUB_HOST?.trim() || undefined;
  const given = port.safeParse(env.HUB_PORT?.trim());
  // 0 is "any free one", which nobody but the hub knows; a port that is none is the business of `readConfig`.
  const known = given.success && given.data !== 0 ? given.data : undefined;
  if (host === undefined && known === undefined) return undefined;
  return localAddress(host ?? '127.0.0.1', known ?? 4000);
}
