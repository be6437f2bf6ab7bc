import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import type { Database } from '../../db/database.ts';
import { alertsById } from '../../db/monitoring/alert-statements.ts';
import {
  channelsWithNotices,
  failChannels,
  type TakenNotice,
  takeNotices,
  writeNotices,
} from '../../db/monitoring/notice-statements.ts';
import { type Channel, ChannelError } from '../channels/channel.ts';
import { alertNotices } from './alert-notices.ts';
import type { AlertNotice } from './messages.ts';

/** Holds what the notifier works with. */
export interface NotifierDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Logger;
  readonly channels: ReadonlyMap<string, Channel>;
}

/**
 * Sends queued notices, each channel by itself: one that is down or slow holds up nothing else. What waits for a
 * channel is joined; a sending that fails is tried again, ever more rarely, and then given up.
 */
export class Notifier {
  readonly #deps: NotifierDeps;
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();

  constructor(deps: NotifierDeps) {
    this.#deps = deps;
  }

  /** Begins to send what is due; waits for no channel. @throws what the database throws */
  async run(): Promise<void> {
    const { db, clock, channels, log } = this.#deps;
    const due = await channelsWithNotices(db.pool, new Date(clock.now()));
    const gone = due.filter(name => !channels.has(name));
    // The alerts file names them no more.
    if (gone.length > 0) await failChannels(db.pool, gone);
    for (const name of due) {
      const channel = channels.get(name);
      if (channel === undefined || this.#underWay.has(name) || this.#stop.signal.aborted) continue;
      const sending = this.#send(channel)
        .catch((error: unknown) =>
          log.warn({ channel: name, error: messageOf(error) }, 'notices wait for the database'),
        )
        .finally(() => this.#underWay.delete(name));
      this.#underWay.set(name, sending);
    }
  }

  /** Resolves when nothing is being sent. */
  async idle(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  /** Begins nothing more, and calls off what is under way: it is sent again by whoever comes next. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.idle();
  }

  /** Sends without the queue. @returns what went wrong; null: nothing */
  async tell(channel: Channel, notices: readonly AlertNotice[]): Promise<string | null> {
    try {
      await channel.send(notices, this.#stop.signal);
      return null;
    } catch (error) {
      // What is not a channel's own error may quote anything.
      if (error instanceof ChannelError) return error.message;
      return error instanceof Error ? error.name : 'unknown fault';
    }
  }

  async #send(channel: Channel): Promise<void> {
    const { db, clock, log } = this.#deps;
    const taken = await takeNotices(db.pool, channel.name, {
      at: new Date(clock.now()),
      spacingMs: channel.spacingMs,
      // Longer than all messages of one sending may take.
      leaseMs: limits.channelTimeoutMs * (limits.messagesAtOnce + 1),
      limit: limits.noticesJoined,
    });
    if (taken.length === 0) return;
    const error = await this.tell(channel, await this.#alertNotices(taken));
    if (error !== null)
      log.warn({ channel: channel.name, notices: taken.length, error }, 'a channel took no message');
    const now = clock.now();
    for (const [attempts, group] of Map.groupBy(taken, one => one.attempts)) {
      const isOver = attempts >= limits.noticeAttempts;
      const status = error === null ? 'sent' : isOver ? 'failed' : 'waiting';
      const delayMs = Math.min(limits.noticeRetryFirstMs * 2 ** (attempts - 1), limits.noticeRetryMaxMs);
      const ids = group.map(({ id }) => id);
      await writeNotices(db.pool, ids, { status, error, nextAt: new Date(now + delayMs) }, new Date(now));
      if (status === 'failed')
        log.error({ channel: channel.name, notices: ids.length, error }, 'notices given up');
    }
  }

  async #alertNotices(taken: readonly TakenNotice[]): Promise<AlertNotice[]> {
    const { pool } = this.#deps.db;
    const rows = await alertsById(pool, [...new Set(taken.map(({ alertId }) => alertId))]);
    const byId = new Map(rows.map(row => [row.id, row]));
    const told = taken.flatMap(({ alertId, kind }) => {
      const row = byId.get(alertId);
      return row === undefined ? [] : [{ row, kind }];
    });
    return alertNotices(pool, told);
  }
}
