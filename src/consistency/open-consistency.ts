import type { Vault } from '../access/vault.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { Database } from '../db/database.ts';
import type { WebhookTransport } from '../delivery/webhook/webhook-transport.ts';
import { Checks, type ChecksDeps } from './checks.ts';
import { Consistency } from './consistency.ts';
import { Fold } from './fold.ts';
import { Questions } from './questions.ts';
import { ConsistencyReports } from './reports.ts';
import { ConsistencyWebhook } from './webhook-channel.ts';

/** Holds what the parts need of the hub. */
export interface ConsistencyDeps extends Pick<ChecksDeps, 'drains' | 'repairMaxPercent'> {
  readonly db: Database;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly log: Logger;
  readonly transport: Pick<WebhookTransport, 'post'>;
  /** The other nodes, as far as questions concern them. */
  readonly nodes: {
    tell(topic: 'questions' | 'answers', ids: readonly string[]): void;
    on(topic: 'questions' | 'answers', handler: (ids: readonly string[]) => void): void;
  };
}

/** The parts that doors call. Dispose of them to stop: checks under way are FAILED. */
export interface OpenConsistency extends AsyncDisposable {
  readonly fold: Fold;
  readonly questions: Questions;
  readonly reports: ConsistencyReports;
  readonly consistency: Consistency;
}

/** Puts together what compares consumers with the hub, and mends them. */
export function openConsistency(deps: ConsistencyDeps): OpenConsistency {
  const { db, clock, nodes } = deps;
  const questions = new Questions({ ...deps, tell: (topic, ids) => nodes.tell(topic, ids) });
  nodes.on('questions', () => questions.look());
  nodes.on('answers', ids => questions.answered(ids));
  questions.start();
  const fold = new Fold(db);
  const checks = new Checks({
    ...deps,
    fold,
    channelOf: ({ id, consistencyUrl: url, ackTimeoutMs }) =>
      url == null ? questions.channel(id, ackTimeoutMs) : new ConsistencyWebhook(deps, { id, url }),
  });
  const reports = new ConsistencyReports(db);
  return {
    fold,
    questions,
    reports,
    consistency: new Consistency({ checks, reports, answering: questions, clock }),
    async [Symbol.asyncDispose]() {
      await checks.stop();
      await questions.stop();
    },
  };
}
