import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';

/*
 * `node test/run.ts [--redis] [--compiled] [OPTIONS OF NODE] [FILES]`: compiles the hub (`--compiled`: it has been), then
 * runs the tests (all of the hub's, where none are named) on one PostgreSQL; with `--redis` on one Redis too. Every
 * other option is passed on to Node: `npm test -- --test-name-pattern='is delivered' test/flow/recording.test.ts`.
 */
const args = process.argv.slice(2);
const onRedis = args.includes('--redis');
const own = ['--redis', '--compiled'];
const forNode = args.filter(argument => argument.startsWith('--') && !own.includes(argument));
const named = args.filter(argument => !argument.startsWith('--'));
const node = process.execPath;
// Many small processes load the same files: V8 need not compile them each time.
const env = { ...process.env, NODE_COMPILE_CACHE: path.join(tmpdir(), 'voucher-hub-compile-cache') };

/** Ends this process with the other's exit code where that is not 0. */
function run(command: readonly string[]): void {
  const [program = node, ...rest] = command;
  const { status } = spawnSync(program, rest, { stdio: 'inherit', env });
  if (status !== 0) process.exit(status ?? 1);
}

// The hub imports the client's wire forms as they are built, so the client comes first.
const projects = args.includes('--compiled')
  ? []
  : ['clients/typescript/tsconfig.json', 'tsconfig.build.json'];
for (const project of projects) run([node, 'node_modules/typescript/bin/tsc', '-p', project]);
const tests = [
  node,
  '--import',
  './test/support/compiled.ts',
  '--import',
  './test/support/file-limit.ts',
  '--test',
  // Tests wait more than they compute: two a core.
  '--test-concurrency=4',
  '--test-global-setup=test/support/global-setup.ts',
  // Each wait has an end of its own. Should one have none, this ends its test, and the file limit what it leaves open.
  `--test-timeout=${10 * 60_000}`,
  '--test-reporter=spec',
  '--test-reporter-destination=stdout',
  '--test-reporter=./test/support/skipped.ts',
  '--test-reporter-destination=stdout',
  ...forNode,
  ...(named.length > 0 ? named : ['test/**/*.test.ts']),
];
run(
  onRedis ? [node, '--import', './test/support/compiled.ts', 'test/support/with-redis.ts', ...tests] : tests,
);
