import { Command } from 'commander';
import { type Config, processEnvironment } from '../config/config.ts';
import { messageOf } from '../core/errors.ts';
import { type ClientOptions, withClientOptions } from './client.ts';
import type { CommandResult } from './command-result.ts';
import { type Check, type CheckScope, checksOf, type Finding } from './doctor/check.ts';
import { checkAlerts, checkConsumers } from './doctor/consumers.ts';
import { checkDatabase } from './doctor/database.ts';
import { checkDisk, checkPort } from './doctor/machine.ts';
import { checkRedis } from './doctor/queue.ts';
import { checkHub } from './doctor/running-hub.ts';
import { checkSettings } from './doctor/settings.ts';
import { checkTargets } from './doctor/targets.ts';
import { checkTracing } from './doctor/tracing.ts';
import { print, printJson } from './terminal.ts';

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
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nWhat FAILED and waits for a person, a consumer that refuses everything, and a critical alert must be mended.\nA process that is gone shows after a minute: a scheduler by itself, a worker once events wait for it.\n\nExit code: 0 where nothing must be mended (! is worth a look), 1 where something must (✗), 2 for wrong usage.',
    );
  return withClientOptions(command).action(async (options: DoctorOptions) => {
    const { checks, hubUrl } = await examine(options);
    if (checks.some(({ status }) => status === 'fail')) result.exitCode = 1;
    if (options.json) printJson({ ok: result.exitCode === 0, hubUrl, checks });
    else report(checks, hubUrl);
  });
}

/** @returns `hubUrl` where a hub answers: null where none does */
async function examine(options: DoctorOptions): Promise<{ checks: Finding[]; hubUrl: string | null }> {
  const { config, checks } = await checkSettings(processEnvironment());
  const hub = await checkHub(options);
  const found = { hubUrl: hub.answers ? hub.url : null };
  const { subscriptions } = hub;
  const told =
    subscriptions === null
      ? []
      : await Promise.all([
          guarded('alert', () => checkAlerts(options)),
          guarded('consumer', () => checkConsumers(subscriptions, options)),
        ]);
  const ofHub = of('hub', [...hub.checks, ...told.flat()]);
  if (config === null) return { ...found, checks: [...of('environment', checks), ...ofHub] };
  const own = await Promise.all([
    guarded('database', () => checkDatabase(config)),
    guarded('queue', () => checkQueue(config)),
    guarded('disk', async () => (config.databaseUrl === undefined ? [await checkDisk(config.dataDir)] : [])),
    guarded('traces', async () => checkTracing(processEnvironment())),
    guarded('port', async () => (hub.answers ? [] : [await checkPort(config)])),
  ]);
  const targets = await guarded('target', () => checkTargets(subscriptions ?? [], config));
  return {
    ...found,
    checks: [...of('environment', [...checks, ...own.flat()]), ...ofHub, ...of('targets', targets)],
  };
}

function of(scope: CheckScope, checks: readonly Check[]): Finding[] {
  return checks.map(check => ({ ...check, of: scope }));
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

/** A hub may run with other settings than the shell that asks how it is. */
function headingOf(scope: CheckScope, hubUrl: string): string {
  if (scope === 'environment')
    return `This command's own environment, which \`hub start\` would use here (the hub at ${hubUrl} may run with another):`;
  if (scope === 'hub') return `The hub that runs at ${hubUrl}:`;
  return "That hub's targets, tried from this machine with this command's HUB_TARGET_ALLOW:";
}

function report(checks: readonly Finding[], hubUrl: string | null): void {
  let scope: CheckScope | undefined;
  for (const { name, status, message, mend, of: its } of checks) {
    // Where no hub answers there is one environment, and nothing to tell apart.
    if (hubUrl !== null && its !== scope)
      print(`${scope === undefined ? '' : '\n'}${headingOf(its, hubUrl)}`);
    scope = its;
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
