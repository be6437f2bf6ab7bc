import type { Clock } from '../../core/clock.ts';
import type { Channel } from '../channels/channel.ts';
import { noDetails } from './alert-details.ts';
import type { AlertSettings } from './alert-settings.ts';
import type { AlertNotice } from './messages.ts';
import type { NoticeKind } from './notices.ts';

/** Holds what the watchdog works with. */
interface WatchdogDeps {
  readonly clock: Clock;
  readonly settings: AlertSettings;
  readonly channels: ReadonlyMap<string, Channel>;
  /** @returns what went wrong; null: nothing */
  tell(channel: Channel, notices: readonly AlertNotice[]): Promise<string | null>;
}

/**
 * Tells when nothing can be evaluated at all, which is when the database is away: from memory, since nothing can be
 * written down. Each scheduler process tells for itself.
 */
export class Watchdog {
  readonly #deps: WatchdogDeps;
  readonly #told = new Set<string>();
  #since: number | null = null;
  #cause = '';

  constructor(deps: WatchdogDeps) {
    this.#deps = deps;
  }

  /** An evaluation failed. */
  async fault(cause: string): Promise<void> {
    const { clock, settings } = this.#deps;
    const now = clock.now();
    this.#since ??= now;
    this.#cause = cause;
    const rule = settings.rules.find(({ name }) => name === 'cannot_evaluate');
    if (rule === undefined || !rule.enabled || now - this.#since < rule.forMs) return;
    const severity = rule.levels[0]?.severity ?? 'critical';
    const untold = settings.policy.routes[severity].filter(name => !this.#told.has(name));
    for (const name of await this.#tell(untold, 'firing', null)) this.#told.add(name);
  }

  /** An evaluation went well. */
  async fine(): Promise<void> {
    if (this.#since === null) return;
    const { firingOnly } = this.#deps.settings.policy;
    const told = [...this.#told].filter(name => !firingOnly.has(name));
    await this.#tell(told, 'resolved', this.#deps.clock.now());
    this.#since = null;
    this.#told.clear();
  }

  /** @returns those that took it */
  async #tell(names: readonly string[], kind: NoticeKind, resolvedAt: number | null): Promise<string[]> {
    const notice: AlertNotice = {
      kind,
      alert: {
        id: '0',
        rule: 'cannot_evaluate',
        severity: 'critical',
        subscription: null,
        subject: '*',
        value: 1,
        threshold: null,
        cause: this.#cause,
        details: noDetails,
        firedAt: this.#since ?? this.#deps.clock.now(),
        resolvedAt,
      },
    };
    const tried = names.map(async name => {
      const channel = this.#deps.channels.get(name);
      return channel !== undefined && (await this.#deps.tell(channel, [notice])) === null ? [name] : [];
    });
    return (await Promise.all(tried)).flat();
  }
}
