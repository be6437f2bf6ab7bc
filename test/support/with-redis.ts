import { spawn } from 'node:child_process';
import { startRedis } from './redis.ts';

// Runs a command with a Redis of its own, its address in HUB_TEST_REDIS_URL.
const [command, ...args] = process.argv.slice(2);
if (command === undefined) throw new Error('with-redis COMMAND …');
await using redis = await startRedis();
const child = spawn(command, args, {
  stdio: 'inherit',
  env: { ...process.env, HUB_TEST_REDIS_URL: redis.url },
});
process.exitCode = await new Promise<number>(resolve => child.on('exit', code => resolve(code ?? 1)));
