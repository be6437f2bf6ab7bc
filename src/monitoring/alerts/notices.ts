import type { AlertState } from './evaluate.ts';
import type { AlertSeverity } from './rules.ts';

/** Why people are told: it fires (or got worse), nobody took note of it, it is over; or somebody tries a channel. */
export type NoticeKind = 'firing' | 'escalated' | 'resolved' | 'test';

/** Says who is told what. */
export interface NoticePolicy {
  readonly routes: Readonly<Record<AlertSeverity, readonly string[]>>;
  /** Says whom to tell when nobody has acknowledged an alert of a severity for so long; null: nobody. */
  readonly escalation: Readonly<
    Record<AlertSeverity, { readonly afterMs: number; readonly to: readonly string[] } | null>
  >;
  /** Channels that are not told that an alert is over: a telephone need not ring for it. */
  readonly firingOnly: ReadonlySet<string>;
}

/** Holds what is so at this moment. */
export interface NoticeMoment {
  readonly now: number;
  /** Until when alerts of a severity must wait; null: they need not. */
  quietUntil(severity: AlertSeverity): number | null;
  isSilenced(alert: AlertState): boolean;
}

/** One alert for one channel. */
export interface Notice {
  readonly kind: NoticeKind;
  readonly channel: string;
  /** Not to be sent before, milliseconds since 1970. */
  readonly notBefore: number;
}

/**
 * Tells who must be told of an alert now: pure. One notice a channel and firing (another where a worse level fires), and one
 * when it is resolved, to those who were told. What begins and ends while it is silenced or in quiet hours is told to
 * nobody; what outlasts them is told then. That something is over waits, too: for quiet hours here, for silences in the
 * queue, as a silence may be ended or followed by another.
 * @returns the notices, and the alert as it is once they are written down
 */
export function noticesOf(
  alert: AlertState,
  policy: NoticePolicy,
  moment: NoticeMoment,
): { alert: AlertState; notices: readonly Notice[] } {
  if (alert.resolvedAt !== null) return resolved(alert, policy, moment);
  const { now } = moment;
  // What is about to end is no news: it may have outlasted a silence by seconds.
  if (alert.ending) return { alert, notices: [] };
  if (moment.isSilenced(alert) || moment.quietUntil(alert.severity) !== null) return { alert, notices: [] };
  if (alert.level > alert.notifiedLevel) {
    const channels = policy.routes[alert.severity];
    return {
      alert: { ...alert, notifiedLevel: alert.level, notifiedAt: now, told: union(alert.told, channels) },
      notices: channels.map(channel => ({ kind: 'firing', channel, notBefore: now })),
    };
  }
  const escalation = policy.escalation[alert.severity];
  const isNoted = Math.max(alert.acknowledgedLevel, alert.escalatedLevel) >= alert.level;
  if (escalation === null || isNoted || alert.notifiedAt === null) return { alert, notices: [] };
  if (now - alert.notifiedAt < escalation.afterMs) return { alert, notices: [] };
  return {
    alert: { ...alert, escalatedLevel: alert.level, told: union(alert.told, escalation.to) },
    notices: escalation.to.map(channel => ({ kind: 'escalated', channel, notBefore: now })),
  };
}

/** Queued even while it is silenced, since it is looked at no more: what a silence holds back is sent when that is over. */
function resolved(alert: AlertState, policy: NoticePolicy, moment: NoticeMoment) {
  const notBefore = moment.quietUntil(alert.severity) ?? moment.now;
  const notices = alert.told
    .filter(channel => !policy.firingOnly.has(channel))
    .map((channel): Notice => ({ kind: 'resolved', channel, notBefore }));
  return { alert, notices };
}

function union(some: readonly string[], more: readonly string[]): string[] {
  return [...new Set([...some, ...more])];
}
