import type { Pool } from 'pg';
import { limits } from '../../core/limits.ts';
import { uncoveredSyncs } from '../../db/delivery/uncovered-statements.ts';
import type { SubscriptionRow } from '../../db/entities.ts';

/**
 * Says what becomes of events that wait for a subscription whose selection no longer covers them: they are delivered, as
 * they were recorded for it.
 * @returns a text for each field that leaves some out
 */
export async function uncoveredWarnings(pool: Pool, subscription: SubscriptionRow): Promise<string[]> {
  const { id } = subscription;
  const found = await uncoveredSyncs(pool, id, subscription);
  const told = (field: string, count: number, how: string) => {
    if (count === 0) return [];
    const bound = found.isPart ? `, of the first ${limits.uncoveredLooked} that wait,` : '';
    const events = count === 1 ? '1 waiting event' : `${count} waiting events`;
    const are = count === 1 ? 'is' : 'are';
    return [
      `${field}: ${events}${bound} ${are} no longer covered and will still be delivered. To cancel: ${how}`,
    ];
  };
  const filter = (rest: string) =>
    `cancelSyncs(filter: { subscriptionId: "${id}", statuses: [PENDING, RETRYING], ${rest} }).`;
  const typesFilter = filter(`eventTypes: ${JSON.stringify(found.types)}`);
  const sourceFilter = filter(`sourceSystem: ${JSON.stringify(found.sources[0] ?? '')}`);
  const others = found.sources.slice(1);
  return [
    ...told('eventTypes', found.ofType, typesFilter),
    ...told(
      'sourceSystems',
      found.ofSource,
      others.length === 0 ? sourceFilter : `${sourceFilter} The same for ${others.join(', ')}.`,
    ),
    ...told(
      'companyIds',
      found.ofCompany,
      'cancelSyncs(filter: { ids: … }), with the ids that syncLogs gives for their vouchers.',
    ),
  ];
}
