import type { PoolClient } from 'pg';
import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import type { Database } from '../../db/database.ts';
import {
  type AlertRow,
  type AlertWrite,
  firingAlerts,
  forgetAlerts,
  insertAlerts,
  readStates,
  resolveAlerts,
  type SilenceRow,
  type StateRow,
  silencesAt,
  takeEvaluation,
  updateAlerts,
  writeStates,
} from '../../db/monitoring/alert-statements.ts';
import { insertNotices } from '../../db/monitoring/notice-statements.ts';
import { knownSubscriptions } from '../../db/monitoring/reading-statements.ts';
import { parseDetails } from './alert-details.ts';
import { type AlertSettings, minuteOfDayIn, quietUntil } from './alert-settings.ts';
import { type AlertState, evaluate, keyOf, type RememberedState, type RuleReadings } from './evaluate.ts';
import { type Notice, type NoticeMoment, noticesOf } from './notices.ts';
import type { MetricReadings, MetricSnapshot } from './readings.ts';
import { rememberedState } from './remembered.ts';
import { isRuleName, metrics, type RuleName } from './rules.ts';

/** Holds what the evaluator works with. */
export interface EvaluatorDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Logger;
  readonly readings: MetricReadings;
  readonly settings: AlertSettings;
  readonly timeZone: string;
  readonly changes: { note(alertIds: Iterable<string>): void };
}

/** An alert that was read, and what became of it. */
interface Written {
  readonly before: AlertRow | undefined;
  readonly alert: AlertState;
  readonly notices: readonly Notice[];
}

/**
 * Reads the metrics, evaluates the rules and writes what came of it, in one transaction; sends nothing itself. One
 * process at a time does so, however many schedulers there are: whoever holds the row's lock.
 */
export class Evaluator {
  readonly #deps: EvaluatorDeps;
  readonly #minuteOfDay: (at: number) => number;

  constructor(deps: EvaluatorDeps) {
    this.#deps = deps;
    this.#minuteOfDay = minuteOfDayIn(deps.timeZone);
  }

  /** Evaluates once, unless that was just done. @throws what the database throws */
  async run(): Promise<void> {
    const now = this.#deps.clock.now();
    const written = await this.#deps.db.transaction(async client => {
      const isDue = await takeEvaluation(client, new Date(now), limits.alertEveryMs / 2);
      return isDue ? this.#evaluate(client, now) : [];
    });
    this.#report(written);
  }

  async #evaluate(client: PoolClient, now: number): Promise<{ id: string; one: Written }[]> {
    const { db, settings, readings } = this.#deps;
    const snapshot = readings.snapshot(now);
    const known = await knownSubscriptions(db.pool);
    const states = (await readStates(client)).flatMap(rememberedState);
    const rows = (await firingAlerts(client)).filter(row => isRuleName(row.rule));
    const evaluation = evaluate({
      now,
      rules: settings.rules,
      readings: await this.#read(snapshot),
      memory: states,
      alerts: rows.map(stateOf),
      subscriptionIds: new Set(known.map(({ id }) => id)),
    });
    const moment = this.#moment(now, await silencesAt(client, new Date(now)));
    const before = new Map(rows.map(row => [keyOf(stateOf(row)), row]));
    const explained = await this.#explain(snapshot, evaluation.alerts);
    const all = explained.map((alert): Written => {
      const { alert: told, notices } = noticesOf(alert, settings.policy, moment);
      return { before: before.get(keyOf(alert)), alert: told, notices };
    });
    await this.#remember(client, states, evaluation.memory);
    return this.#write(client, all, now);
  }

  /** Gives what stands behind those that fire; where that can't be read they are told all the same. */
  async #explain(snapshot: MetricSnapshot, alerts: readonly AlertState[]): Promise<readonly AlertState[]> {
    const windows = new Map(this.#deps.settings.rules.map(({ name, windowMs }) => [name, windowMs]));
    const firing = alerts.filter(
      ({ rule, resolvedAt }) => resolvedAt === null && metrics[rule].behind !== 'reading',
    );
    if (firing.length === 0) return alerts;
    try {
      const asked = firing.map(alert => ({ ...alert, windowMs: windows.get(alert.rule) ?? 0 }));
      const told = await snapshot.explain(asked);
      const known = new Map(firing.map((alert, at) => [alert, told[at]]));
      return alerts.map(alert => {
        const { cause, details } = known.get(alert) ?? alert;
        return { ...alert, cause: cause ?? alert.cause, details };
      });
    } catch (error) {
      this.#deps.log.warn({ error: messageOf(error) }, 'what is behind alerts could not be read');
      return alerts;
    }
  }

  /** One after the other: alerts must not take the pool from deliveries. */
  async #read(snapshot: MetricSnapshot): Promise<Map<RuleName, RuleReadings>> {
    const all = new Map<RuleName, RuleReadings>();
    for (const { name, enabled, windowMs, minimum } of this.#deps.settings.rules) {
      if (!enabled || name === 'cannot_evaluate') continue;
      try {
        all.set(name, { readings: await snapshot.read(name, { windowMs, minimum }) });
      } catch (error) {
        this.#deps.log.warn({ rule: name, error: messageOf(error) }, 'a rule could not be evaluated');
        all.set(name, { fault: messageOf(error).slice(0, limits.channelAnswerChars) });
      }
    }
    return all;
  }

  #moment(now: number, silences: readonly SilenceRow[]): NoticeMoment {
    const minute = this.#minuteOfDay(now);
    return {
      now,
      quietUntil: severity => quietUntil(this.#deps.settings.quietHours, severity, now, minute),
      isSilenced: ({ rule, subscriptionId }) =>
        silences.some(
          silence =>
            (silence.rule === null || silence.rule === rule) &&
            (silence.subscriptionId === null || silence.subscriptionId === subscriptionId),
        ),
    };
  }

  async #remember(
    client: PoolClient,
    before: readonly RememberedState[],
    after: readonly RememberedState[],
  ): Promise<void> {
    const known = new Map(before.map(one => [keyOf(one), JSON.stringify(one.state)]));
    const changed = after.filter(one => known.get(keyOf(one)) !== JSON.stringify(one.state));
    const kept = new Set(after.map(keyOf));
    const gone = before.filter(one => !kept.has(keyOf(one)));
    await writeStates(client, changed satisfies readonly StateRow[], gone);
  }

  async #write(
    client: PoolClient,
    all: readonly Written[],
    now: number,
  ): Promise<{ id: string; one: Written }[]> {
    const at = new Date(now);
    const fresh = all.filter(({ before }) => before === undefined);
    const ids = await insertAlerts(
      client,
      fresh.map(({ alert }) => writeOf(alert)),
    );
    const known = all.flatMap(one => (one.before === undefined ? [] : [{ id: one.before.id, one }]));
    const changed = known.filter(({ one }) => hasChanged(one));
    await updateAlerts(
      client,
      changed.map(({ id, one }) => ({ id, ...writeOf(one.alert) })),
    );
    const over = known.filter(({ one }) => one.alert.resolvedAt !== null);
    await resolveAlerts(
      client,
      over.map(({ id }) => id),
      at,
    );
    const withIds = [...known, ...fresh.map((one, place) => ({ id: ids[place] ?? '', one }))];
    const notices = withIds.flatMap(({ id, one }) =>
      one.notices.flatMap(({ kind, channel, notBefore }) =>
        kind === 'test' ? [] : [{ alertId: id, channel, kind, notBefore: new Date(notBefore) }],
      ),
    );
    await insertNotices(client, notices, at);
    await forgetAlerts(client, new Date(now - limits.alertKeptMs), limits.alertsForgotten);
    return withIds.filter(({ one }) => hasTurned(one));
  }

  #report(turned: readonly { id: string; one: Written }[]): void {
    for (const { id, one } of turned) {
      const { rule, subject, severity, value, cause, resolvedAt } = one.alert;
      const line = { alert_id: id, rule, subject, value, cause };
      if (resolvedAt !== null) this.#deps.log.info(line, 'alert is over');
      else this.#deps.log.warn({ ...line, alert: severity }, 'alert fires');
    }
    this.#deps.changes.note(turned.map(({ id }) => id));
  }
}

/** Tells whether something happened to an alert that those who watch want to know: not each new value. */
function hasTurned({ before, alert }: Written): boolean {
  return before === undefined || alert.resolvedAt !== null || alert.level !== before.level;
}

function hasChanged({ before, alert }: Written): boolean {
  return before !== undefined && JSON.stringify(writeOf(stateOf(before))) !== JSON.stringify(writeOf(alert));
}

function stateOf(row: AlertRow): AlertState {
  const { rule, subject, subscriptionId, level, severity, threshold, value, cause } = row;
  if (!isRuleName(rule)) throw new Error(`There is no rule ${rule}.`);
  return {
    rule,
    subject,
    subscriptionId,
    level,
    severity,
    threshold,
    value,
    cause,
    details: parseDetails(row.details),
    ending: false,
    firedAt: row.firedAt,
    resolvedAt: row.resolvedAt,
    notifiedLevel: row.notifiedLevel,
    notifiedAt: row.notifiedAt,
    acknowledgedLevel: row.acknowledgedLevel,
    escalatedLevel: row.escalatedLevel,
    told: row.told,
  };
}

function writeOf(alert: AlertState): AlertWrite {
  const { rule, subject, subscriptionId, severity, level, value, threshold, cause, details } = alert;
  const { firedAt, notifiedLevel, notifiedAt, escalatedLevel, told } = alert;
  const what = { rule, subject, subscriptionId, severity, level, value, threshold, cause, details, firedAt };
  return { ...what, notifiedLevel, notifiedAt, escalatedLevel, told: [...told] };
}
