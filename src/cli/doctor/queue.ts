import { askRedis, type RedisServer } from '../../jobs/redis.ts';
import { parseRedisUrl } from '../../jobs/redis-url.ts';
import { type Check, checksOf } from './check.ts';

const { ok, warn, fail } = checksOf('queue');

/** BullMQ's oldest: it uses commands that came with it. */
const oldestMajor = 6;
const oldestMinor = 2;

/** The Redis that the settings name; of a cluster each master. */
export async function checkRedis(url: string): Promise<Check[]> {
  const { shown, kind } = parseRedisUrl(url);
  const { servers, fault } = await askRedis(url);
  if (fault !== null) return [unreachable(shown, fault)];
  return servers.flatMap(server => {
    const where = kind === 'cluster' ? `${shown}, master ${server.address}` : shown;
    return [checkVersion(server, where), checkPolicy(server)];
  });
}

function checkVersion({ version }: RedisServer, where: string): Check {
  if (version === null) return ok(`${where} answers; it does not say its version`);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
  if (isOld)
    return fail(
      `${where} is Redis ${version}`,
      `The queue needs Redis ${oldestMajor}.${oldestMinor} or later.`,
    );
  return ok(`${where} answers: Redis ${version}`);
}

/** With any other policy Redis throws wake-ups away when its memory is full, and the hub does not start. */
function checkPolicy({ policy }: RedisServer): Check {
  if (policy === null) return warn("its maxmemory-policy can't be asked", 'See to it that it is noeviction.');
  if (policy === 'noeviction') return ok('its maxmemory-policy is noeviction');
  return fail(
    `its maxmemory-policy is ${policy}: full, it would throw jobs away, so the hub does not start`,
    'Set it: config set maxmemory-policy noeviction (and in redis.conf).',
  );
}

function unreachable(where: string, fault: string): Check {
  if (/NOAUTH|WRONGPASS/.test(fault))
    return fail(`${where} refuses the user or password`, 'Correct them in REDIS_URL.');
  return fail(
    `${where} can't be reached: ${fault}`,
    'Is it running, is REDIS_URL right, does a firewall stand between?',
  );
}
