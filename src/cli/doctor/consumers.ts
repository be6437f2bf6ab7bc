import { type ClientOptions, createClient, RefusedError } from '../client.ts';
import { graphql } from '../generated/gql.ts';
import { shownTime } from '../shown-time.ts';
import { plural } from '../terminal.ts';
import { type Check, checksOf } from './check.ts';
import type { TargetView } from './running-hub.ts';

const failuresOf = graphql(`
  query DoctorFailures($id: ID!) { dataSubscription(id: $id) { failedByErrorCode { errorCode count } } }
`);

const firingAlerts = graphql(`
  query DoctorAlerts { alerts(state: FIRING, first: 20) { id severity message cause firedAt } }
`);

const consumer = checksOf('consumer');
const alert = checksOf('alert');

/** Subscriptions whose failures are asked for by their codes, and codes that are named. */
const asked = 20;
const named = 3;

/** Says how the hub says that its consumers are: what FAILED, who refuses everything, where nobody is attached. */
export async function checkConsumers(
  subscriptions: readonly TargetView[],
  options: ClientOptions,
): Promise<Check[]> {
  const client = createClient(options);
  const failing = subscriptions.filter(({ failedCount }) => failedCount > 0);
  const codes = new Map<string, string>();
  for (const { id } of failing.slice(0, asked)) {
    const { dataSubscription: found } = await client.request(failuresOf, { id });
    const counts = (found?.failedByErrorCode ?? []).map(({ errorCode, count }) => `${errorCode} × ${count}`);
    const more = counts.length > named ? [`and ${counts.length - named} other codes`] : [];
    codes.set(id, [...counts.slice(0, named), ...more].join(', '));
  }
  return subscriptions.flatMap(one => checkConsumer(one, codes.get(one.id) ?? 'see the sync log'));
}

function checkConsumer(subscription: TargetView, codes: string): Check[] {
  const { id, failedCount, lastQuarterHour, unattachedSince, backlog, troubledSince } = subscription;
  const who = nameOf(subscription);
  const refuses = lastQuarterHour.succeeded === 0 && lastQuarterHour.failed > 0;
  const checks: Check[] = [];
  if (failedCount > 0 || refuses)
    checks.push(
      consumer.fail(
        [
          `${who}: ${plural(failedCount, 'event')} FAILED, which wait for a person: ${codes}`,
          refuses ? `; of the last 15 minutes it took none (${lastQuarterHour.failed} FAILED)` : '',
        ].join(''),
        `hub tail --subscription ${id} --status failed --verbose shows what it answered. Once that is mended: hub retry --subscription ${id}`,
      ),
    );
  if (unattachedSince != null)
    checks.push(
      consumer.warn(
        `${who}: no consumer is attached since ${shownTime(unattachedSince)}; ${plural(backlog, 'event')} waiting`,
        `Start the system's consumer, or attach one to try: hub listen --subscription ${id}`,
      ),
    );
  else if (troubledSince != null && checks.length === 0)
    checks.push(
      consumer.warn(
        `${who}: nothing was delivered since ${shownTime(troubledSince)}, though something is due; ${plural(backlog, 'event')} waiting`,
        `hub tail --subscription ${id} shows what becomes of them.`,
      ),
    );
  return checks;
}

/** The alerts that fire; nothing where the key may not see them. */
export async function checkAlerts(options: ClientOptions): Promise<Check[]> {
  try {
    const { alerts } = await createClient(options).request(firingAlerts, {});
    if (alerts.length === 0) return [alert.ok('none fires')];
    return alerts.map(({ id, severity, message, cause, firedAt }) => {
      const text = `${message}${cause == null ? '' : ` (${cause})`}, since ${shownTime(firedAt)} (alert ${id})`;
      return severity === 'CRITICAL' ? alert.fail(text) : alert.warn(text);
    });
  } catch (error) {
    if (error instanceof RefusedError && error.code === 'FORBIDDEN') return [];
    throw error;
  }
}

/** Gives what a subscription is called in findings. */
export function nameOf({ name, targetSystem, id }: TargetView): string {
  return `${name} of ${targetSystem} (subscription ${id})`;
}
