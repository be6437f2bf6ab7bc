/**
 * A lane is a subscription, or one of several shards of it by source record. Its name is the subscription's id, or
 * `id/shard`. A name may be out of date, when the number of shards has just changed: whoever drains by it sees so and
 * wakes those that there are now.
 */
export interface LaneKey {
  readonly subscriptionId: string;
  /** 0 to lanes - 1; null: the whole subscription. */
  readonly shard: number | null;
}

/**
 * Two steps of the minimal standard generator (multiplier of L'Ecuyer 1988), the high bits folded in between: after one
 * alone, ids in even steps would still come out in even steps, and leave shards empty.
 */
const multiplier = 1_583_458_089n;
const modulus = 2_147_483_647n;
const fold = 15n;

/** The shard of a source record; `shardSql` says the same. */
export function shardOf(voucherId: string, lanes: number): number {
  const once = ((BigInt(voucherId) % modulus) * multiplier) % modulus;
  return Number((((once ^ (once >> fold)) * multiplier) % modulus) % BigInt(lanes));
}

/** SQL: the shard of a voucher's id. */
export function shardSql(voucherId: string, lanes: string): string {
  const once = `((${voucherId} % ${modulus}) * ${multiplier} % ${modulus})`;
  return `(${once} # (${once} >> ${fold})) * ${multiplier} % ${modulus} % ${lanes}`;
}

/** The name of the lane that a voucher's events go through. */
export function laneOf(subscriptionId: string, voucherId: string, lanes: number): string {
  return lanes === 1 ? subscriptionId : `${subscriptionId}/${shardOf(voucherId, lanes)}`;
}

/** The names of all lanes of a subscription. */
export function lanesOf(subscriptionId: string, lanes: number): string[] {
  if (lanes === 1) return [subscriptionId];
  return Array.from({ length: lanes }, (_, shard) => `${subscriptionId}/${shard}`);
}

/** Takes a lane's name apart. */
export function parseLane(lane: string): LaneKey {
  const [subscriptionId = '', shard] = lane.split('/');
  return { subscriptionId, shard: shard === undefined ? null : Number(shard) };
}
