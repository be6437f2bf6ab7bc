import { BusinessTime } from '../core/business-time.ts';
import type { Clock } from '../core/clock.ts';
import { type Database, queueSchema } from '../db/database.ts';
import { AwayWatches } from '../delivery/drain/away-watch.ts';
import { BacklogWork } from '../delivery/drain/backlog-work.ts';
import { FittingSizes } from '../delivery/drain/fitting-sizes.ts';
import { Parking } from '../delivery/drain/parking.ts';
import { ShardClaims } from '../delivery/drain/shard-claims.ts';
import { Breaker } from '../delivery/outcome/breaker.ts';
import { OutcomeWriter } from '../delivery/outcome/outcome-writer.ts';
import { Attachments } from '../delivery/push/attachments.ts';
import { SyncChanges } from '../delivery/reading/sync-changes.ts';
import { SyncReader } from '../delivery/reading/sync-reader.ts';
import { foreseeTarget } from '../delivery/webhook/foresee.ts';
import { parseTargetAllow, resolveBySystem } from '../delivery/webhook/guard.ts';
import { WebhookSender } from '../delivery/webhook/send.ts';
import { shareLookups } from '../delivery/webhook/shared-lookup.ts';
import { WebhookTransport } from '../delivery/webhook/webhook-transport.ts';
import { Drains } from '../jobs/drains.ts';
import { PostgresMessages, RedisMessages } from '../jobs/messages.ts';
import { Nodes } from '../jobs/nodes.ts';
import { openWakeUpQueue, type QueueHome } from '../jobs/queues.ts';
import type { Start } from './start.ts';
import type { Store } from './store.ts';

/** Holds what `openDelivery` opens. */
export type DeliveryParts = Awaited<ReturnType<typeof openDelivery>>;

/** The queue and the shards; those of this process's roles are started. */
export async function openDelivery(
  { config, clock, time, random, log, parts, meters, tracer }: Start,
  { directUrl, db, vault, payloadQueries }: Store,
) {
  const home = await homeOf(config.redisUrl, directUrl, db);
  const queue = parts.use(await openWakeUpQueue(home, { log, clock }));
  const targets = {
    allow: parseTargetAllow(config.targetAllow),
    lookup: shareLookups(resolveBySystem, clock),
    clock,
    time,
  };
  const sender = parts.use(new WebhookSender(targets));
  const transport = new WebhookTransport(sender, time, payloadQueries, tracer);
  const nodes = openNodes(home, db, { log, clock, parts });
  const syncs = new SyncReader(db);
  const changes = new SyncChanges({ clock, reader: syncs, nodes });
  const backlog = new BacklogWork({
    db,
    changes,
    reopen: subscriptionId => drains.reopen(subscriptionId),
    nextBatch: nextBatchOf(config.timeZone, clock),
  });
  const breaker = new Breaker({ db, log, backlog });
  const outcomes = new OutcomeWriter({ db, clock, log, changes, meter: meters, tracer });
  const parking = new Parking({ db, clock, log });
  const claims = new ShardClaims(db, parking);
  const watches = new AwayWatches();
  const sizes = new FittingSizes(clock);
  const drain = { db, vault, clock, random, log, changes, breaker, claims, outcomes, watches, sizes, tracer };
  const drains = new Drains(queue, { ...drain, transport, nodes });
  parts.defer(() => drains.stop());
  if (config.roles.includes('worker')) await drains.start();
  const attachments = new Attachments({
    ...drain,
    tellSettled: syncIds => nodes.tell('settled', syncIds),
    onPresence: present => nodes.want('shards', present || config.roles.includes('worker')),
    onWebhooksTurn: subscriptionId => drains.reopen(subscriptionId),
  });
  nodes.on('settled', syncIds => attachments.forget(syncIds));
  drains.serve(attachments);
  attachments.start();
  parts.defer(() => attachments.stop());
  nodes.start();
  const foresee = (url: string) => foreseeTarget(url, targets);
  return {
    queue,
    nodes,
    transport,
    foreseeTarget: foresee,
    drains,
    parking,
    backlog,
    attachments,
    syncs,
    changes,
  };
}

/** The other processes of the hub, by the home of the queue. */
function openNodes(
  home: QueueHome,
  db: Database,
  { log, clock, parts }: Pick<Start, 'log' | 'clock' | 'parts'>,
): Nodes {
  const messages = parts.use(
    home.kind === 'postgres'
      ? new PostgresMessages({ url: home.url, pool: db.pool }, { log, clock })
      : new RedisMessages(home, { log, clock }),
  );
  const nodes = new Nodes(messages, clock);
  parts.defer(() => nodes.stop());
  return nodes;
}

/** The home of the queue: Redis where there is one. */
async function homeOf(redisUrl: string | undefined, directUrl: string, db: Database): Promise<QueueHome> {
  if (redisUrl === undefined) return { kind: 'postgres', url: directUrl, schema: queueSchema };
  return { kind: 'redis', url: redisUrl, prefix: `{voucher-hub-${await db.installationId()}}` };
}

/** When the next batch of a schedule is due. */
function nextBatchOf(timeZone: string, clock: Clock): (cron: string | null) => Date {
  const time = new BusinessTime(timeZone);
  return cron => time.nextBatch(cron, clock.now());
}
