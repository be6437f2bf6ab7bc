import { Redis } from 'ioredis';
import { errorCodeOf, messageOf } from '../../core/errors.ts';
import { withoutPassword } from '../start.ts';
import { type Check, checksOf } from './check.ts';

const { ok, warn, fail } = checksOf('queue');

const connectMs = 5_000;

/** BullMQ's oldest: it uses commands that came with it. */
const oldestMajor = 6;
const oldestMinor = 2;

/** The Redis that the settings name. */
export async function checkRedis(url: string): Promise<Check[]> {
  const where = withoutPassword(url);
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: connectMs,
    commandTimeout: connectMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let cause: unknown;
  redis.on('error', (error: Error) => {
    cause = error;
  });
  try {
    await redis.connect();
    return [checkVersion(await redis.info('server'), where), await checkPolicy(redis)];
  } catch (error) {
    return [unreachable(where, cause ?? error)];
  } finally {
    redis.disconnect();
  }
}

function checkVersion(info: string, where: string): Check {
  const version = /^redis_version:(\S+)/m.exec(info)?.[1] ?? '?';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
  if (isOld)
    return fail(
      `${where} is Redis ${version}`,
      `The queue needs Redis ${oldestMajor}.${oldestMinor} or later.`,
    );
  return ok(`${where} answers: Redis ${version}`);
}

/** With any other policy Redis throws wake-ups away when its memory is full. */
async function checkPolicy(redis: Redis): Promise<Check> {
  const answer = await redis.config('GET', 'maxmemory-policy').catch(() => null);
  const policy = Array.isArray(answer) ? answer[1] : policyOf(answer);
  if (typeof policy !== 'string')
    return warn("its maxmemory-policy can't be asked", 'See to it that it is noeviction.');
  if (policy === 'noeviction') return ok('its maxmemory-policy is noeviction');
  return fail(
    `its maxmemory-policy is ${policy}: full, it would throw jobs away`,
    'Set it: config set maxmemory-policy noeviction (and in redis.conf).',
  );
}

/** Under RESP3 the answer is a map. */
function policyOf(answer: unknown): unknown {
  if (answer instanceof Map) return answer.get('maxmemory-policy');
  return typeof answer === 'object' && answer !== null && 'maxmemory-policy' in answer
    ? answer['maxmemory-policy']
    : undefined;
}

function unreachable(where: string, error: unknown): Check {
  const message = messageOf(error);
  if (/NOAUTH|WRONGPASS/.test(message))
    return fail(`${where} refuses the user or password`, 'Correct them in REDIS_URL.');
  return fail(
    `${where} can't be reached: ${errorCodeOf(error) ?? ''} ${message}`.trim(),
    'Is it running, is REDIS_URL right, does a firewall stand between?',
  );
}
