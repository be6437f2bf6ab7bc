import type { BusinessTime } from '../core/business-time.ts';
import { businessTime } from './instant.ts';

/** Made once: a live log shows many times. */
let clock: BusinessTime | undefined;

/** An instant as people are shown it, by HUB_TIME_ZONE like the hub's messages: 2025-12-19 14:53:32 +08:00. */
export function shownTime(at: Date | string): string {
  clock ??= businessTime();
  return clock.shown(new Date(at).getTime());
}

/** The same as a cell of a table, which is empty where there is no time. */
export function timeCell(at: string | null | undefined): string | null {
  return at == null ? null : shownTime(at);
}
