/**
 * Latencies in buckets: b holds what took up to 0.001 s × 1.1^b, and more than the one before; 0 is a millisecond and
 * less. A bucket answers with its middle (geometric), so an answer is within 4.9 % of the true one.
 */
const first = 0.001;
const factor = 1.1;

/** SQL: the bucket of a latency in seconds. */
export function latencyBucketSql(seconds: string): string {
  return `ceil(ln(greatest(${seconds}, ${first}) / ${first}) / ln(${factor}::float8))::smallint`;
}

/** The seconds that a bucket answers with. */
export function secondsOfBucket(bucket: number): number {
  return bucket === 0 ? first : first * factor ** (bucket - 0.5);
}

/** The latency (seconds) that a share of all is not above, nearest rank; null of none. @param share above 0, to 1 */
export function percentile(counts: ReadonlyMap<number, number>, share: number): number | null {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  let left = Math.max(Math.ceil(total * share), 1);
  for (const [bucket, count] of [...counts].toSorted(([a], [b]) => a - b)) {
    left -= count;
    if (left <= 0) return secondsOfBucket(bucket);
  }
  return null;
}
