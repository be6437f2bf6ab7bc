/**
 * A shard is one of the parts of a subscription, by source record. Its name is `id/index`; a subscription with one shard
 * gives it its own id. A name is out of date once the number of shards changes: the drain that took it sees that, and
 * wakes the shards that exist now.
 */
export interface ShardKey {
  readonly subscriptionId: string;
  /** 0 to shards - 1; null: the whole subscription. */
  readonly index: number | null;
}

/**
 * Two steps of the minimal standard generator (multiplier of L'Ecuyer 1988), the high bits folded in between: after one
 * alone, ids in even steps would still come out in even steps, and leave shards empty.
 */
const multiplier = 1_583_458_089n;
const modulus = 2_147_483_647n;
const fold = 15n;

/** The shard of a source record; `shardSql` says the same. */
export function shardOf(voucherId: string, shards: number): number {
  const once = ((BigInt(voucherId) % modulus) * multiplier) % modulus;
  return Number((((once ^ (once >> fold)) * multiplier) % modulus) % BigInt(shards));
}

/** SQL: the shard of a voucher's id. */
export function shardSql(voucherId: string, shards: string): string {
  const once = `((${voucherId} % ${modulus}) * ${multiplier} % ${modulus})`;
  return `(${once} # (${once} >> ${fold})) * ${multiplier} % ${modulus} % ${shards}`;
}

/** The name of the shard that a voucher's events go through. */
export function shardNameOf(subscriptionId: string, voucherId: string, shards: number): string {
  return shards === 1 ? subscriptionId : `${subscriptionId}/${shardOf(voucherId, shards)}`;
}

/** The names of all shards of a subscription. */
export function shardNamesOf(subscriptionId: string, shards: number): string[] {
  if (shards === 1) return [subscriptionId];
  return Array.from({ length: shards }, (_, index) => `${subscriptionId}/${index}`);
}

/** Takes a shard's name apart. */
export function parseShard(shard: string): ShardKey {
  const [subscriptionId = '', index] = shard.split('/');
  return { subscriptionId, index: index === undefined ? null : Number(index) };
}
