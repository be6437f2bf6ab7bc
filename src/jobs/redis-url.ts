/** A host and port that a client connects to first. */
export interface RedisHost {
  readonly host: string;
  readonly port: number;
}

/** Holds what REDIS_URL says. */
export interface RedisPlace {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  readonly tls: boolean;
  /** Says where it begins: the server itself, the Sentinels, or some nodes of the cluster. */
  readonly hosts: readonly RedisHost[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Holds what the Sentinels call the master; empty elsewhere. */
  readonly master: string;
  /** The same address without its password, for people. */
  readonly shown: string;
}

const defaultPorts = { single: 6379, sentinel: 26379, cluster: 6379 } as const;

const schemes =
  'must begin with redis://, rediss://, redis+sentinel://, rediss+sentinel://, redis+cluster:// or rediss+cluster://';

/**
 * Takes REDIS_URL apart. It stands apart from the connections, so that reading the settings loads no client.
 * @throws Error whose message says what is wrong and holds no part of the text, since that may be a password.
 */
export function parseRedisUrl(text: string): RedisPlace {
  const [, scheme = '', several, rest = ''] =
    /^(rediss?)(?:\+(sentinel|cluster))?:\/\/(.*)$/su.exec(text) ?? [];
  const tls = scheme === 'rediss';
  if (scheme === '') throw new Error(schemes);
  if (several === 'sentinel' || several === 'cluster') return severalHosts(several, tls, rest);
  return singleHost(text, tls);
}

/** Hosts with commas, as in REDIS_URL. */
export function hostsOf({ hosts }: Pick<RedisPlace, 'hosts'>): string {
  return hosts.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',');
}

function singleHost(text: string, tls: boolean): RedisPlace {
  const url = URL.parse(text);
  if (url === null || url.hostname === '')
    throw new Error(
      'must be redis://[user:password@]host:port[/database], user and password percent-encoded',
    );
  if (!/^\/?\d*$/.test(url.pathname))
    throw new Error('after the host only the number of a database may stand');
  const user = decoded(url.username);
  const host = { host: bare(url.hostname), port: Number(url.port) || defaultPorts.single };
  return {
    kind: 'single',
    tls,
    hosts: [host],
    user,
    password: decoded(url.password),
    master: '',
    shown: `${url.protocol}//${url.username === '' ? '' : `${url.username}@`}${url.host}${url.pathname}`,
  };
}

function severalHosts(kind: 'sentinel' | 'cluster', tls: boolean, rest: string): RedisPlace {
  const at = rest.lastIndexOf('@');
  const [authority = '', ...path] = rest.slice(at + 1).split('/');
  const { user, password } = at === -1 ? nobody : userOf(rest.slice(0, at));
  const hosts = authority.split(',').map((host, place) => hostOf(host, place, defaultPorts[kind]));
  const master = path.join('/');
  if (kind === 'sentinel' && !/^[\w.-]+$/.test(master))
    throw new Error("must end with the master's name at the Sentinels: …host:26379/mymaster");
  if (kind === 'cluster' && !/^0?$/.test(master))
    throw new Error('a cluster has no databases: nothing may stand after its hosts');
  const place = { kind, tls, hosts, user, password, master: kind === 'sentinel' ? master : '' };
  const shownUser = user === undefined ? '' : `${encodeURIComponent(user)}@`;
  const shownMaster = kind === 'sentinel' ? `/${master}` : '';
  const shown = `redis${tls ? 's' : ''}+${kind}://${shownUser}${hostsOf(place)}${shownMaster}`;
  return { ...place, shown };
}

const nobody = { user: undefined, password: undefined };

function userOf(text: string): { user: string | undefined; password: string | undefined } {
  const [, user = '', password = ''] = /^([^:]*):([^:]+)$/.exec(text) ?? [];
  if (password === '') throw new Error('before the @ must stand user:password or :password, percent-encoded');
  return { user: decoded(user), password: decoded(password) };
}

/** Tells which host is at fault by its place. */
function hostOf(text: string, place: number, defaultPort: number): RedisHost {
  const [, host, port = String(defaultPort)] = /^(\[[\da-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/i.exec(text) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535)
    throw new Error(`host ${place + 1} is not host:port (several: with commas)`);
  return { host: bare(host), port: Number(port) };
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text) || undefined;
  } catch {
    throw new Error('user and password must be percent-encoded (% itself is %25)');
  }
}
