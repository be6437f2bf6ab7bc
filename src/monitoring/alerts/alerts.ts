import type { Clock } from '../../core/clock.ts';
import { badInput, HubError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { RowChanges } from '../../core/row-changes.ts';
import { shownValue } from '../../core/shown-value.ts';
import type { Database } from '../../db/database.ts';
import {
  type AlertRow,
  acknowledge,
  alertsById,
  endSilence,
  insertSilence,
  listAlerts,
  type SilenceRow,
  silencesAt,
} from '../../db/monitoring/alert-statements.ts';
import type { Channel } from '../channels/channel.ts';
import { type AlertDetails, noDetails } from './alert-details.ts';
import { alertNotices } from './alert-notices.ts';
import type { AlertSettings } from './alert-settings.ts';
import type { AlertMessages, AlertNotice } from './messages.ts';
import type { Notifier } from './notifier.ts';
import { isRuleName, type Rule } from './rules.ts';

/** A rule, and whom its levels are told to. */
export interface ShownRule extends Rule {
  readonly told: readonly {
    readonly severity: Rule['levels'][number]['severity'];
    readonly threshold: number;
    readonly channels: readonly string[];
  }[];
}

/** An alert, put into words. */
export interface ShownAlert extends AlertRow {
  readonly message: string;
  readonly vouchers: AlertDetails['vouchers'];
}

/** Holds what came of trying a channel. */
export interface ChannelTest {
  readonly ok: boolean;
  readonly error: string | null;
  readonly latencyMs: number;
}

/** Holds what alerts are asked and told by people: lists, acknowledgements, silences, tests of channels. */
export class Alerts {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #settings: AlertSettings;
  readonly #channels: ReadonlyMap<string, Channel>;
  readonly #notifier: Notifier;
  readonly #messages: AlertMessages;
  readonly #changes: RowChanges<ShownAlert, 'alerts'>;

  constructor(deps: {
    db: Database;
    clock: Clock;
    settings: AlertSettings;
    channels: ReadonlyMap<string, Channel>;
    notifier: Notifier;
    messages: AlertMessages;
    changes: RowChanges<ShownAlert, 'alerts'>;
  }) {
    this.#db = deps.db;
    this.#clock = deps.clock;
    this.#settings = deps.settings;
    this.#channels = deps.channels;
    this.#notifier = deps.notifier;
    this.#messages = deps.messages;
    this.#changes = deps.changes;
  }

  /** The newest alerts. @throws HubError BAD_USER_INPUT */
  async list(state: AlertRow['state'] | null, first: number): Promise<ShownAlert[]> {
    if (first < 0 || first > limits.pageSize) throw badInput('first', `first: 0 to ${limits.pageSize}.`);
    return this.#shown(await listAlerts(this.#db.pool, state, first));
  }

  /** Alerts as they change, from now on. */
  watch(): AsyncIterableIterator<ShownAlert> {
    return this.#changes.watch(async ids => this.#shown(await alertsById(this.#db.pool, ids)));
  }

  /**
   * Takes note of an alert: it is not escalated, unless it gets worse. Where somebody has done so, theirs stays.
   * @throws HubError NOT_FOUND
   */
  async acknowledge(id: string, keyId: string): Promise<ShownAlert> {
    const at = new Date(this.#clock.now());
    const row = isId(id) ? await acknowledge(this.#db.pool, id, { keyId, at }) : undefined;
    if (row === undefined) throw new HubError('NOT_FOUND', `There is no alert ${shownValue(id)} that fires.`);
    this.#changes.note([id]);
    const [shown] = await this.#shown([row]);
    if (shown === undefined) throw new Error('One row is shown as one.');
    return shown;
  }

  /** Silences that hold now. */
  silences(): Promise<SilenceRow[]> {
    return silencesAt(this.#db.pool, new Date(this.#clock.now()));
  }

  /** Tells nobody of a rule's or a subscription's alerts for a while. @throws HubError BAD_USER_INPUT, LIMIT_EXCEEDED */
  async silence(
    what: { rule: string | null; subscriptionId: string | null; until: number; reason: string },
    keyId: string,
  ): Promise<SilenceRow> {
    const now = this.#clock.now();
    const { rule, subscriptionId, until, reason } = what;
    if (rule !== null && !isRuleName(rule))
      throw badInput('rule', `rule: there is no rule ${shownValue(rule)}; see alertRules.`);
    if (subscriptionId !== null && !isId(subscriptionId))
      throw badInput('subscriptionId', `subscriptionId: ${shownValue(subscriptionId)} is no id.`);
    const span = until - now;
    if (span <= 0 || span > limits.silenceMaxMs)
      throw badInput('until', `until: ahead of now, by ${limits.silenceMaxMs / 86_400_000} days at most.`);
    if (reason.length > limits.longText)
      throw badInput('reason', `reason: ${limits.longText} characters at most.`);
    if ((await this.silences()).length >= limits.silences)
      throw new HubError('LIMIT_EXCEEDED', `There are ${limits.silences} silences already.`);
    return insertSilence(this.#db.pool, {
      rule,
      subscriptionId,
      until,
      reason,
      keyId,
      createdAt: now,
    });
  }

  /** Ends a silence now. @throws HubError NOT_FOUND */
  async endSilence(id: string): Promise<SilenceRow> {
    const row = isId(id) ? await endSilence(this.#db.pool, id, new Date(this.#clock.now())) : undefined;
    if (row === undefined)
      throw new HubError('NOT_FOUND', `There is no silence ${shownValue(id)} that holds.`);
    return row;
  }

  /** The rules in force. */
  rules(): ShownRule[] {
    const { rules, policy } = this.#settings;
    return rules.map(rule => ({
      ...rule,
      told: rule.levels.map(level => ({ ...level, channels: policy.routes[level.severity] })),
    }));
  }

  /** Sends a message to try a channel. @throws HubError NOT_FOUND */
  async test(name: string): Promise<ChannelTest> {
    const channel = this.#channels.get(name);
    if (channel === undefined) {
      const known = [...this.#channels.keys()].join(', ') || 'none';
      throw new HubError(
        'NOT_FOUND',
        `There is no channel ${shownValue(name)}; the alerts file names: ${known}.`,
      );
    }
    const startedAt = this.#clock.now();
    const error = await this.#notifier.tell(channel, [testNotice(startedAt)]);
    return { ok: error === null, error, latencyMs: this.#clock.now() - startedAt };
  }

  async #shown(rows: readonly AlertRow[]): Promise<ShownAlert[]> {
    const notices = await alertNotices(
      this.#db.pool,
      rows.map(row => ({ row, kind: row.state })),
    );
    const known = new Map(notices.map(notice => [notice.alert.id, notice]));
    return rows.map(row => {
      const notice = known.get(row.id);
      if (notice === undefined) return { ...row, message: row.rule, vouchers: [] };
      const cause = this.#messages.cause(notice.alert);
      return {
        ...row,
        cause,
        message: this.#messages.title([notice]),
        vouchers: notice.alert.details.vouchers,
      };
    });
  }
}

function testNotice(now: number): AlertNotice {
  return {
    kind: 'test',
    alert: {
      id: '0',
      rule: 'success_rate',
      severity: 'info',
      subscription: null,
      subject: 'all',
      value: 99.5,
      threshold: 99.9,
      cause: null,
      details: noDetails,
      firedAt: now,
      resolvedAt: null,
    },
  };
}

function isId(text: string): boolean {
  return /^\d{1,18}$/.test(text);
}
