import { ApiKeys } from '../access/keys.ts';
import { keepLocalKey, type LocalKey, localVaultKey } from '../access/local-key.ts';
import { Vault } from '../access/vault.ts';
import { closedSecrets, vaultFinding } from '../access/vault-check.ts';
import type { Clock } from '../core/clock.ts';
import { HubError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { restoreLimits } from '../core/restore-limits.ts';
import { Database } from '../db/database.ts';
import { startEmbeddedPostgres } from '../db/embedded/embedded-postgres.ts';
import { embeddedFileMark } from '../db/embedded/file-mark.ts';
import { Lineage } from '../db/lineage/lineage.ts';
import { Replica } from '../db/reading/replica.ts';
import { readSealedSecrets } from '../db/sealed-secrets.ts';
import { checkStoredQueries } from '../delivery/payload/stored-queries.ts';
import { servedSchemaText } from '../resolvers/served-schema.ts';
import { boundedQueries } from './bounded-queries.ts';
import type { Start } from './start.ts';

/** Holds what `openStore` opens. */
export type Store = Awaited<ReturnType<typeof openStore>>;

/** The database, migrated, and what opens its secrets and its doors. */
export async function openStore({ config, clock, time, log, parts, tracer }: Start) {
  const databaseUrl =
    config.databaseUrl ?? parts.use(await startEmbeddedPostgres({ dataDir: config.dataDir, log, clock })).url;
  const key = config.encryptionKey ?? (await localVaultKey(config.dataDir));
  const local = typeof key === 'string' ? undefined : key;
  const vault = new Vault(typeof key === 'string' ? key : key.key, config.previousEncryptionKey);
  const directUrl = config.databaseDirectUrl ?? databaseUrl;
  const newer = await Database.migrate({ url: directUrl, log });
  if (newer.length > 0)
    log.info({ migrations: newer }, 'the database is of a newer version, which only added');
  const pool = { poolSize: config.databasePool, timeoutMs: config.databaseTimeout * 1_000, log, tracer };
  const fileMark = config.databaseUrl === undefined ? await embeddedFileMark(config.dataDir) : null;
  const lineage = new Lineage({ log, clock, fileMark });
  const db = parts.use(await Database.connect({ url: databaseUrl, ...pool, lineage }));
  watchLineage(lineage, db, parts, { clock, log });
  parts.use(await time.start(db.pool));
  await checkVault(db, vault, local, log);
  if (local !== undefined) await keepLocalKey(local);
  const payloadQueries = boundedQueries(servedSchemaText());
  await checkStoredQueries(db.pool, payloadQueries);
  const keys = new ApiKeys(db, clock);
  const fault = config.adminKey === undefined ? null : await keys.allowAdmin(config.adminKey);
  if (fault !== null) log.error({ setting: 'HUB_ADMIN_KEY' }, fault);
  const replica =
    config.databaseReplicaUrl === undefined || !config.roles.includes('api')
      ? undefined
      : parts.use(new Replica({ url: config.databaseReplicaUrl, ...pool }, { primary: db, clock }));
  await replica?.start();
  return { databaseUrl, directUrl, vault, db, lineage, replica, payloadQueries, keys };
}

/** Notes how far the numbers are now and then, and as the last thing: the less is unknown after a restore. */
function watchLineage(
  lineage: Lineage,
  db: Database,
  parts: AsyncDisposableStack,
  { clock, log }: { clock: Clock; log: Logger },
): void {
  let beat: Promise<void> | undefined;
  const isFaulty = (err: unknown) => log.debug({ err }, 'the numbers could not be noted');
  const cancel = clock.every(restoreLimits.lineageBeatMs, () => {
    beat ??= lineage
      .beat(db.pool)
      .catch(isFaulty)
      .finally(() => {
        beat = undefined;
      });
  });
  parts.defer(async () => {
    cancel();
    await beat;
    await lineage.beat(db.pool, 0).catch(isFaulty);
  });
}

/**
 * Another key than the one that sealed the secrets is a slip at the start of one process, and would show as deliveries
 * that never leave. Where some open (a key is being changed) the others' subscriptions work on.
 */
async function checkVault(
  db: Database,
  vault: Vault,
  local: LocalKey | undefined,
  log: Logger,
): Promise<void> {
  const finding = vaultFinding(vault, await readSealedSecrets(db.pool));
  if (finding.closed === 0) return;
  if (finding.opens === 0) throw new HubError('UNAVAILABLE', closedSecrets(finding, local));
  log.error({ keys: finding.missing }, closedSecrets(finding, local));
}
