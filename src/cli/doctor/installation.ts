import type { Client } from 'pg';
import { Vault } from '../../access/vault.ts';
import { closedSecrets, vaultFinding } from '../../access/vault-check.ts';
import type { Config } from '../../config/config.ts';
import { readAnalysts } from '../../db/analysts.ts';
import { readProcessSigns } from '../../db/idle-processes.ts';
import { readSealedSecrets } from '../../db/sealed-secrets.ts';
import { duration } from '../terminal.ts';
import { type Check, checksOf } from './check.ts';

const secrets = checksOf('secrets');
const scheduler = checksOf('scheduler');
const worker = checksOf('worker');
const analysts = checksOf('analysts');

/** The schedule is due every five seconds. */
const schedulerIdleMs = 60_000;

/** Gives what the processes of an installation share: whether this environment's key opens its secrets, and who is at work. */
export async function checkInstallation(client: Client, config: Config): Promise<Check[]> {
  return [
    ...(await checkSecrets(client, config)),
    ...(await checkProcesses(client)),
    await checkAnalysts(client),
  ];
}

async function checkSecrets(client: Client, config: Config): Promise<Check[]> {
  if (config.encryptionKey === undefined) return [];
  const vault = new Vault(config.encryptionKey, config.previousEncryptionKey);
  const finding = vaultFinding(vault, await readSealedSecrets(client));
  if (finding.closed > 0) return [secrets.fail(closedSecrets(finding))];
  return finding.opens === 0 ? [] : [secrets.ok('HUB_ENCRYPTION_KEY opens them')];
}

async function checkAnalysts(client: Client): Promise<Check> {
  const grant = 'select grant_to_analysts();';
  switch (await readAnalysts(client)) {
    case 'ready':
      return analysts.ok('the role voucher_hub_analyst may read its views');
    case 'no_role':
      return analysts.warn(
        'there is no role voucher_hub_analyst on this server, so analysts can not log in',
        `The next \`hub start\` makes it where its user may make roles; else an administrator runs: create role voucher_hub_analyst nologin; and as the hub's user: ${grant}`,
      );
    case 'no_rights':
      return analysts.warn(
        'the role voucher_hub_analyst may not read its views',
        `The next \`hub start\` grants it, or run as the hub's user: ${grant}`,
      );
  }
}

async function checkProcesses(client: Client): Promise<Check[]> {
  const { schedulerMs, workWaits } = await readProcessSigns(client);
  const checks: Check[] = [];
  const without =
    'Start a process with scheduler among its HUB_ROLES: without it nothing is retried, checked or sent by night.';
  // Before its first start an installation has none; afterwards one that stands still is no matter of taste.
  if (schedulerMs === null) checks.push(scheduler.warn('none has run yet', without));
  else if (schedulerMs > schedulerIdleMs)
    checks.push(scheduler.fail(`none has run for ${duration(schedulerMs)}`, without));
  else checks.push(scheduler.ok(`at work ${duration(Math.max(0, schedulerMs))} ago`));
  if (workWaits)
    checks.push(
      worker.fail(
        'events are due since more than a minute, and nobody sends them',
        'Start a process with worker among its HUB_ROLES; if one runs, its log says what keeps it.',
      ),
    );
  return checks;
}
