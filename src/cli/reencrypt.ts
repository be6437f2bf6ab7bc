import { Command } from 'commander';
import { Vault } from '../access/vault.ts';
import { type Config, processEnvironment, readConfig } from '../config/config.ts';
import { systemClock } from '../core/clock.ts';
import { createLogger } from '../core/logger.ts';
import { plural, print, printJson } from './terminal.ts';

const help = `
Works on the database itself, with the hub's settings: DATABASE_URL (left out: the embedded database of
HUB_DATA_DIR, whose hub must be stopped), HUB_ENCRYPTION_KEY (the new key), HUB_ENCRYPTION_KEY_PREVIOUS (the old one).
To change the key: restart every hub with both set, run this, then restart with HUB_ENCRYPTION_KEY alone.`;

/** `hub keys reencrypt`: seals every subscription's secret with the current key. */
export function reencryptCommand(): Command {
  return new Command('reencrypt')
    .description("seal subscriptions' secrets with the key in HUB_ENCRYPTION_KEY")
    .option('--json', 'print JSON')
    .addHelpText('after', help)
    .action(async (options: { json?: boolean }) => {
      const config = readConfig(processEnvironment());
      const resealed = await reencrypt(config);
      if (options.json) return printJson({ resealed });
      const nothing =
        "Every subscription's secret was sealed with HUB_ENCRYPTION_KEY already; nothing was changed.";
      print(
        resealed === 0
          ? `✓ ${nothing}`
          : `✓ The secrets of ${plural(resealed, 'subscription')} were sealed anew with HUB_ENCRYPTION_KEY.`,
      );
      if (config.previousEncryptionKey !== undefined)
        print('  HUB_ENCRYPTION_KEY_PREVIOUS is no longer needed: restart the hubs without it.');
    });
}

async function reencrypt(config: Config): Promise<number> {
  const log = createLogger({ level: 'error', pretty: config.logFormat === 'pretty' });
  // Loaded here, so that commands which only ask a hub stay quick.
  const [{ Database }, { startEmbeddedPostgres }, { Subscriptions }, { keepLocalKey, localVaultKey }] =
    await Promise.all([
      import('../db/database.ts'),
      import('../db/embedded/embedded-postgres.ts'),
      import('../delivery/subscription/subscriptions.ts'),
      import('../access/local-key.ts'),
    ]);
  await using parts = new AsyncDisposableStack();
  const url =
    config.databaseUrl ??
    parts.use(await startEmbeddedPostgres({ dataDir: config.dataDir, log, clock: systemClock })).url;
  const key = config.encryptionKey ?? (await localVaultKey(config.dataDir));
  if (typeof key !== 'string') await keepLocalKey(key);
  const vault = new Vault(typeof key === 'string' ? key : key.key, config.previousEncryptionKey);
  await Database.migrate({ url: config.databaseDirectUrl ?? url, log });
  const db = parts.use(await Database.connect({ url, poolSize: 4, log }));
  // No shard runs in this process, and none has to: secrets stay what they are. Nor are payload queries saved here.
  const drains = { reopen: () => {} };
  const payloadQueries = { faultOf: () => null };
  const backlog = { cancel: async () => {}, redate: async () => {}, requeue: async () => {} };
  const time = { cronFault: () => null };
  // Awaited here: `parts` closes the database as soon as this returns.
  return await new Subscriptions({
    db,
    vault,
    drains,
    backlog,
    payloadQueries,
    time,
    perSystem: config.subscriptionsPerSystem,
    onChange: () => {},
  }).reencrypt();
}
