import type { ChannelSettings } from '../channels/channel-settings.ts';
import type { NoticePolicy } from './notices.ts';
import { type AlertSeverity, defaultRules, type Rule } from './rules.ts';

/** The languages of messages. */
export type Language = 'zh' | 'en';

/** A time of day in the business time zone at which mild alerts wait. */
export interface QuietHours {
  /** Minutes since midnight; `from` after `to`: over midnight. */
  readonly from: number;
  readonly to: number;
  readonly severities: readonly AlertSeverity[];
}

/** Everything that the alerts file says, with the defaults for what it leaves out. */
export interface AlertSettings {
  readonly rules: readonly Rule[];
  readonly policy: NoticePolicy;
  readonly quietHours: QuietHours | null;
  readonly channels: readonly ChannelSettings[];
}

/** Without a file: the default rules, told to nobody; alerts are recorded, logged and seen through GraphQL. */
export const settingsWithoutFile: AlertSettings = {
  rules: defaultRules,
  policy: {
    routes: { critical: [], warning: [], info: [] },
    escalation: { critical: null, warning: null, info: null },
    firingOnly: new Set(),
  },
  quietHours: null,
  channels: [],
};

/**
 * Until when alerts of a severity must wait.
 * @param minuteOfDay of an instant, in the business time zone
 * @returns milliseconds since 1970; null: they need not wait
 */
export function quietUntil(
  quiet: QuietHours | null,
  severity: AlertSeverity,
  now: number,
  minuteOfDay: number,
): number | null {
  if (quiet === null || !quiet.severities.includes(severity)) return null;
  const { from, to } = quiet;
  const isQuiet =
    from <= to ? minuteOfDay >= from && minuteOfDay < to : minuteOfDay >= from || minuteOfDay < to;
  if (!isQuiet) return null;
  const left = (to - minuteOfDay + 24 * 60) % (24 * 60);
  return Math.floor(now / 60_000) * 60_000 + left * 60_000;
}

/** Tells the minute of the day of an instant in a time zone, 0 to 1,439. */
export function minuteOfDayIn(timeZone: string): (at: number) => number {
  const clock = new Intl.DateTimeFormat('sv-SE', { timeZone, hour: '2-digit', minute: '2-digit' });
  return at => {
    const [hour, minute] = clock.format(at).split(':').map(Number);
    return (hour ?? 0) * 60 + (minute ?? 0);
  };
}
