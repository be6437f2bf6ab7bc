import type { Pool } from 'pg';
import type { AlertRow } from '../../db/monitoring/alert-statements.ts';
import { namesOfSubscriptions } from '../../db/monitoring/reading-statements.ts';
import { parseDetails } from './alert-details.ts';
import type { AlertNotice } from './messages.ts';
import type { NoticeKind } from './notices.ts';
import { isRuleName } from './rules.ts';

/** Alerts as people are told of them: with the names of their subscriptions. Rules of another version are left out. */
export async function alertNotices(
  pool: Pool,
  told: readonly { readonly row: AlertRow; readonly kind: NoticeKind }[],
): Promise<AlertNotice[]> {
  const ids = new Set(told.flatMap(({ row }) => row.subscriptionId ?? []));
  const names = new Map((await namesOfSubscriptions(pool, [...ids])).map(one => [one.id, one]));
  return told.flatMap(({ row, kind }) => {
    const { id, rule, severity, subject, value, threshold, cause, subscriptionId, firedAt } = row;
    const details = parseDetails(row.details);
    if (!isRuleName(rule)) return [];
    const subscription = subscriptionId === null ? null : (names.get(subscriptionId) ?? null);
    // It may be over by the time that it is told that it fires.
    const resolvedAt = kind === 'resolved' ? row.resolvedAt : null;
    const what = { id, rule, severity, subject, value, threshold, cause, details };
    const alert = { ...what, subscription, firedAt, resolvedAt };
    return [{ kind, alert }];
  });
}
