import { Command } from 'commander';
import { type Config, processEnvironment, readConfig } from '../config.ts';
import { messageOf } from '../core/errors.ts';
import { type ClientOptions, withClientOptions } from './client.ts';
import type { CommandResult } from './command-result.ts';
import { type Check, checksOf } from './doctor/check.ts';
import { checkDatabase } from './doctor/database.ts';
import { checkDisk, checkPort } from './doctor/machine.ts';
import { checkRedis } from './doctor/queue.ts';
import { checkHub } from './doctor/running-hub.ts';
import { checkTargets } from './doctor/targets.ts';
import { print, printJson } from './terminal.ts';

const settings = checksOf('settings');
const queue = checksOf('queue');
const signs = { ok: '✓', warn: '!', fail: '✗' } as const;

interface DoctorOptions extends ClientOptions {
  readonly json?: boolean;
}

/** `hub doctor`: looks at everything that a hub needs, changes nothing, and says what to mend. */
export function doctorCommand(result: CommandResult): Command {
  const command = new Command('doctor')
    .description(
      'check settings, database, queue, clock, disk, hub and targets, and say what to mend; changes and sends nothing',
    )
    .option('--json', 'print JSON');
  return withClientOptions(command).action(async (options: DoctorOptions) => {
    const checks = await examine(options);
    if (checks.some(({ status }) => status === 'fail')) result.exitCode = 1;
    if (options.json) printJson({ ok: result.exitCode === 0, checks });
    else report(checks);
  });
}

async function examine(options: DoctorOptions): Promise<Check[]> {
  const { config, checks } = checkSettings();
  const hub = await checkHub(options);
  if (config === null) return [...checks, ...hub.checks];
  const own = await Promise.all([
    guarded('database', () => checkDatabase(config)),
    guarded('queue', () => checkQueue(config)),
    guarded('disk', async () => (config.databaseUrl === undefined ? [await checkDisk(config.dataDir)] : [])),
    guarded('port', async () => (hub.answers ? [] : [await checkPort(config)])),
  ]);
  const targets = await guarded('target', () => checkTargets(hub.subscriptions, config));
  return [...checks, ...own.flat(), ...hub.checks, ...targets];
}

function checkSettings(): { config: Config | null; checks: Check[] } {
  try {
    const config = readConfig(processEnvironment());
    return { config, checks: [settings.ok('all fit (`hub start --help` lists them)')] };
  } catch (error) {
    const faults = messageOf(error)
      .split('\n')
      .map(line => line.trim())
      .filter(line => /^[A-Z_]+:/.test(line));
    const each = faults.length > 0 ? faults : [messageOf(error)];
    return {
      config: null,
      checks: each.map(fault =>
        settings.fail(
          fault,
          'Correct it and run `hub doctor` again: without good settings the database and the queue were not looked at.',
        ),
      ),
    };
  }
}

async function checkQueue(config: Config): Promise<Check[]> {
  if (config.redisUrl !== undefined) return checkRedis(config.redisUrl);
  return config.databaseUrl === undefined ? [queue.ok('on the embedded PostgreSQL')] : [];
}

/** A check that fails in a way it did not foresee is a finding, not the end of the others. */
async function guarded(name: string, check: () => Promise<Check[]>): Promise<Check[]> {
  try {
    return await check();
  } catch (error) {
    return [checksOf(name).fail(messageOf(error))];
  }
}

function report(checks: readonly Check[]): void {
  for (const { name, status, message, mend } of checks) {
    print(`${signs[status]} ${name.padEnd(9)} ${message}`);
    if (mend !== undefined) print(`  ${' '.repeat(9)} → ${mend}`);
  }
  const failed = checks.filter(({ status }) => status === 'fail').length;
  const warned = checks.filter(({ status }) => status === 'warn').length;
  print(
    failed === 0
      ? `\nNothing must be mended${warned === 0 ? '' : `; ${warned} to look at (!)`}.`
      : `\n${failed} to mend (✗)${warned === 0 ? '' : `, ${warned} to look at (!)`}.`,
  );
}
