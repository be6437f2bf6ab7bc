import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { AskError, ask } from '../ask.ts';
import type { LoggedSync } from '../history.ts';

const made = z.object({ secret: z.string(), subscription: z.object({ id: z.string() }) });
const page = z.object({
  syncLogs: z.object({
    pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
    edges: z.array(
      z.object({
        node: z.object({
          id: z.string(),
          status: z.string(),
          attempts: z.array(z.object({ errorCode: z.string().nullable() })),
          event: z.object({
            sourceVersion: z.number(),
            voucher: z.object({ sourceSystem: z.string(), sourceId: z.string() }),
          }),
        }),
      }),
    ),
  }),
});
const total = z.object({ syncLogs: z.object({ totalCount: z.number() }) });

const pageQuery = `query ($filter: SyncLogFilter, $after: String) { syncLogs(filter: $filter, first: 500, after: $after) {
  pageInfo { hasNextPage endCursor }
  edges { node { id status attempts { errorCode } event { sourceVersion voucher { sourceSystem sourceId } } } } } }`;

/** Sets how long the operator keeps asking before a step has failed, and one call may take, milliseconds. */
const patienceMs = 60_000;
const callMs = 10_000;

/** Holds what an operator does by GraphQL: at any hub that answers, again and again until one does. */
export class Operator {
  readonly #urls: readonly string[];
  readonly #key: string;

  /** @param urls the hubs, without a proxy between */
  constructor(urls: readonly string[], key: string) {
    this.#urls = urls;
    this.#key = key;
  }

  /** Makes a subscription. */
  async subscribe(input: Record<string, unknown>): Promise<{ id: string; secret: string }> {
    const data = await this.#ask(
      'mutation ($input: CreateDataSubscriptionInput!) { it: createDataSubscription(input: $input) { secret subscription { id } } }',
      { input },
    );
    const { secret, subscription } = made.parse(data.it);
    return { id: subscription.id, secret };
  }

  async setState(id: string, how: 'pause' | 'resume'): Promise<void> {
    await this.#ask(`mutation ($id: ID!) { ${how}DataSubscription(id: $id) { state } }`, { id });
  }

  /** Rotates a secret; the old one signs for an hour more. Asked once: a lost answer would be a lost secret. */
  async rotate(id: string): Promise<string> {
    const data = await this.#ask(
      'mutation ($id: ID!) { it: rotateDataSubscriptionSecret(id: $id, overlapHours: 1) { secret subscription { id } } }',
      { id },
    );
    return made.parse(data.it).secret;
  }

  /** Says how many syncs are not over. */
  async unfinished(): Promise<number> {
    const filter = { statuses: ['PENDING', 'PROCESSING', 'RETRYING'] };
    const data = await this.#ask(
      'query ($filter: SyncLogFilter) { syncLogs(filter: $filter, first: 1) { totalCount } }',
      { filter },
    );
    return total.parse(data).syncLogs.totalCount;
  }

  /** The whole log of a subscription. */
  async log(subscriptionId: string): Promise<LoggedSync[]> {
    const syncs: LoggedSync[] = [];
    let after: string | null = null;
    for (;;) {
      const variables: Record<string, unknown> = { filter: { subscriptionId }, after };
      const { edges, pageInfo }: z.infer<typeof page>['syncLogs'] = page.parse(
        await this.#ask(pageQuery, variables),
      ).syncLogs;
      for (const { node } of edges)
        syncs.push({
          id: node.id,
          subscriptionId,
          ...node.event.voucher,
          version: node.event.sourceVersion,
          status: node.status,
          attempts: node.attempts.map(({ errorCode }) => errorCode),
        });
      if (!pageInfo.hasNextPage) return syncs;
      after = pageInfo.endCursor;
    }
  }

  async #ask(query: string, variables: Record<string, unknown>): Promise<Record<string, unknown>> {
    const giveUpAt = performance.now() + patienceMs;
    for (let turn = 0; ; turn += 1) {
      const url = this.#urls[turn % this.#urls.length] ?? '';
      try {
        return await ask(url, { key: this.#key, timeoutMs: callMs }, query, variables);
      } catch (error) {
        const passes = error instanceof AskError && ['no answer', 'UNAVAILABLE'].includes(error.code);
        if (!passes || performance.now() > giveUpAt) throw error;
        await pause(200);
      }
    }
  }
}
