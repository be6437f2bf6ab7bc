import type { Vault } from '../../access/vault.ts';
import type { Clock } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import type { Database } from '../../db/database.ts';
import { type PushedSync, pushedSyncs } from '../../db/delivery/attachment-statements.ts';
import { writeOutcomes } from '../../db/delivery/outcome-statements.ts';
import { readDeliverySettings } from '../../db/delivery/shard-statements.ts';
import { openDeliverySettings } from '../drain/delivery-settings.ts';
import { goesToWebhook, judge } from '../outcome/judge.ts';
import { eventBody } from '../payload/body.ts';
import type { ChangeListener } from '../reading/sync-changes.ts';
import { bodyDigestOf, evidenceOf } from '../webhook/receipt.ts';
import { type PushEnd, resultOf } from './session.ts';

/** Holds what it works with. */
interface RemoteSettlementDeps {
  readonly db: Database;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly random: Random;
  readonly changes: ChangeListener;
  readonly tellSettled: (syncIds: readonly string[]) => void;
  readonly onWebhooksTurn: (subscriptionId: string) => void;
}

/**
 * Acknowledgements that come in on another node than the one that pushed (a consumer may use any connection of its
 * key): the outcome is written here, under the token of the pushing node, which then only has to forget it.
 */
export class RemoteSettlement {
  readonly #deps: RemoteSettlementDeps;

  constructor(deps: RemoteSettlementDeps) {
    this.#deps = deps;
  }

  /** @returns the ids of those that were waiting for a consumer of this key */
  async settle(
    keyId: string,
    syncIds: readonly string[],
    end: PushEnd,
    receipts: ReadonlyMap<string, string>,
  ): Promise<string[]> {
    const pushed = await pushedSyncs(this.#deps.db.pool, keyId, syncIds);
    if (pushed.length === 0) return [];
    const bySubscription = Map.groupBy(pushed, sync => sync.subscriptionId);
    const written = await Promise.all(
      [...bySubscription].map(([subscriptionId, syncs]) => this.#write(subscriptionId, syncs, end, receipts)),
    );
    const ids = written.flat();
    if (ids.length > 0) this.#deps.tellSettled(ids);
    this.#deps.changes.note(ids);
    return ids;
  }

  async #write(
    subscriptionId: string,
    syncs: readonly PushedSync[],
    end: PushEnd,
    receipts: ReadonlyMap<string, string>,
  ): Promise<string[]> {
    const { db, vault, clock, random } = this.#deps;
    const row = await readDeliverySettings(db.pool, subscriptionId);
    if (row === undefined) return [];
    const { secrets } = openDeliverySettings(row, vault);
    const writes = syncs.map(sync => {
      const evidence = evidenceOf(bodyDigestOf(eventBody(sync)), receipts.get(sync.id) ?? null, secrets);
      const result = resultOf(end, clock.now(), 0, evidence);
      const attempt = { sync, result, succeededSince: true, excused: false };
      return judge({ settings: { state: row.state, retry: row }, ...attempt }, random).write;
    });
    const written = await writeOutcomes(db.pool, writes);
    if (row.webhookUrl !== null && writes.some(goesToWebhook)) this.#deps.onWebhooksTurn(subscriptionId);
    return [...written];
  }
}
