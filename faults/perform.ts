import type { SocketManner } from './actors/socket.ts';
import type { WebhookManner } from './actors/webhook.ts';
import type { Lab } from './lab.ts';
import type { Fault } from './plan.ts';

/** A fault that is being done: begins it, waits as long as it lasts, and heals it. */
interface Deed {
  readonly lab: Lab;
  readonly fault: Fault;
  /** Resolves when the fault has lasted long enough. */
  readonly over: () => Promise<void>;
}

/** Longest delay of a slow network one way, and farthest that a clock is off, milliseconds. */
const longestDelayMs = 400;
const farthestClockMs = 600_000;

/** Does one fault; resolves when it is healed. */
export async function perform(lab: Lab, fault: Fault, over: () => Promise<void>): Promise<void> {
  const act = acts[fault.kind] ?? linkActs[/-(delayed|dropped|reset|half-open)$/.exec(fault.kind)?.[1] ?? ''];
  if (act === undefined) throw new Error(`The lab does not know how to do ${fault.kind}.`);
  await act({ lab, fault, over });
}

function named<T>(parts: ReadonlyMap<string, T>, name: string): T {
  const part = parts.get(name);
  if (part === undefined) throw new Error(`The lab has no ${name}.`);
  return part;
}

const acts: Record<string, (deed: Deed) => Promise<void>> = {
  async 'node-killed'({ lab, fault, over }) {
    const node = named(lab.nodes, fault.target);
    await node.kill();
    await over();
    await node.start();
  },
  async 'node-stopped'({ lab, fault, over }) {
    const node = named(lab.nodes, fault.target);
    node.freeze();
    await over();
    node.thaw();
  },
  async 'node-restarted'({ lab, fault }) {
    const node = named(lab.nodes, fault.target);
    await node.stop();
    await node.start();
  },
  async 'node-partitioned'({ lab, fault, over }) {
    const links = ['database', 'queue', 'front'].flatMap(of => lab.links.get(`${of}-${fault.target}`) ?? []);
    for (const link of links) link.drop();
    await over();
    for (const link of links) await link.heal();
  },
  async 'node-clock-skewed'({ lab, fault, over }) {
    const node = named(lab.nodes, fault.target);
    node.setClock(Math.round((fault.chance * 2 - 1) * farthestClockMs));
    await over();
    node.setClock(0);
  },
  async 'database-restarted'({ lab, over }) {
    await lab.database.stop();
    await over();
    await lab.database.start();
  },
  async 'database-crashed'({ lab, over }) {
    lab.recorder.databaseCrashes.push(lab.recorder.now());
    await lab.database.crash();
    await over();
    await lab.database.start();
  },
  async 'database-sessions-ended'({ lab }) {
    // Not the lab's own, and none where the server is away just now: then they have ended anyway.
    await lab.database
      .run(
        `select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
      )
      .catch(() => {});
  },
  async 'database-snapshot-held'({ lab, over }) {
    await using _snapshot = await lab.database.holdSnapshot();
    await over();
  },
  async 'queue-restarted'({ lab, over }) {
    await lab.redis?.kill();
    await over();
    await lab.redis?.start();
  },
  async 'queue-emptied'({ lab }) {
    if (lab.redis !== undefined) await lab.redis.client.flushall();
    else await truncateQueue(lab).catch(() => {});
  },
  'webhook-slow': deed => behave(deed, 'slow'),
  'webhook-failing': deed => behave(deed, 'failing'),
  'webhook-silent': deed => behave(deed, 'silent'),
  'webhook-throttling': deed => behave(deed, 'throttling'),
  async 'webhook-dead'({ lab, fault, over }) {
    const link = named(lab.links, `hook-${fault.target}`);
    link.refuse();
    await over();
    await link.heal();
  },
  'consumer-late': deed => acknowledgeAs(deed, 'late'),
  'consumer-mute': deed => acknowledgeAs(deed, 'mute'),
  'consumer-twice': deed => acknowledgeAs(deed, 'twice'),
  async 'consumer-killed'({ lab, fault }) {
    named(lab.sockets, fault.target).kill();
  },
  async 'consumer-flapping'({ lab, fault, over }) {
    const socket = named(lab.sockets, fault.target);
    socket.flap(true);
    await over();
    socket.flap(false);
  },
  async 'secret-rotated'({ lab, fault }) {
    const secret = await lab.operator.rotate(named(lab.subscriptions, fault.target).id);
    named(lab.webhooks, fault.target).secrets.push(secret);
  },
  async 'subscription-paused'({ lab, fault, over }) {
    const { id } = named(lab.subscriptions, fault.target);
    await lab.operator.setState(id, 'pause');
    await over();
    await lab.operator.setState(id, 'resume');
  },
};

const linkActs: Record<string, (deed: Deed) => Promise<void>> = {
  async delayed({ lab, fault, over }) {
    const link = named(lab.links, fault.target);
    link.delay(Math.round(50 + fault.chance * (longestDelayMs - 50)));
    await over();
    await link.heal();
  },
  async dropped({ lab, fault, over }) {
    const link = named(lab.links, fault.target);
    link.drop();
    await over();
    await link.heal();
  },
  async reset({ lab, fault }) {
    named(lab.links, fault.target).reset();
  },
  async 'half-open'({ lab, fault }) {
    // Servers notice by themselves who is gone only where they ping: the hub does that for its callers.
    const gone = fault.kind.startsWith('front-') && fault.chance < 0.5 ? 'client' : 'server';
    named(lab.links, fault.target).halfOpen(gone);
  },
};

async function behave({ lab, fault, over }: Deed, manner: WebhookManner): Promise<void> {
  const webhook = named(lab.webhooks, fault.target);
  webhook.manner = manner;
  await over();
  webhook.manner = 'good';
}

async function acknowledgeAs({ lab, fault, over }: Deed, manner: SocketManner): Promise<void> {
  const socket = named(lab.sockets, fault.target);
  socket.manner = manner;
  await over();
  socket.manner = 'good';
}

/** Gives what FLUSHALL is to Redis; the record of BullMQ's migrations stays. */
async function truncateQueue(lab: Lab): Promise<void> {
  const tables = await lab.database.run(
    `select string_agg(format('%I.%I', schemaname, tablename), ', ') as names from pg_tables where schemaname = 'bullmq' and tablename !~ 'migration'`,
  );
  await lab.database.run(`truncate ${String(tables[0]?.names)}`);
}
