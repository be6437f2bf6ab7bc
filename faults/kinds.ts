/** Holds what a fault is done to. */
export type Place = 'node' | 'link' | 'database' | 'queue' | 'webhook' | 'consumer' | 'subscription';

/** One kind of fault. */
export interface Kind {
  readonly name: string;
  readonly place: Place;
  /** Which of the places: the beginning of a link's name; left out: any. */
  readonly of?: string;
  /** Says how long it lasts, seconds, from and to; 0: a moment. */
  readonly lasts: readonly [number, number];
  readonly meaning: string;
  /** Only where the queue is on Redis. */
  readonly onRedisOnly?: boolean;
}

const moment = [0, 0] as const;

/** The parties between which the lab's proxies stand, by the beginning of the links' names. */
const linkGroups = ['database', 'queue', 'front', 'hook'] as const;

const linkMeanings: Record<(typeof linkGroups)[number], string> = {
  database: 'a node and PostgreSQL',
  queue: 'a node and Redis',
  front: 'publishers and consumers and a node',
  hook: 'the nodes and a webhook receiver',
};

const linkKinds: Kind[] = linkGroups.flatMap(of => {
  const between = linkMeanings[of];
  const common = { place: 'link' as const, of, ...(of === 'queue' ? { onRedisOnly: true } : {}) };
  return [
    {
      ...common,
      name: `${of}-delayed`,
      lasts: [4, 8] as const,
      meaning: `what passes between ${between} is late`,
    },
    {
      ...common,
      name: `${of}-dropped`,
      lasts: [3, 14] as const,
      meaning: `nothing passes between ${between}`,
    },
    {
      ...common,
      name: `${of}-reset`,
      lasts: moment,
      meaning: `all connections between ${between} are reset`,
    },
    {
      ...common,
      name: `${of}-half-open`,
      lasts: moment,
      meaning: `all connections between ${between} are gone at one end, and the other is not told`,
    },
  ];
});

/** Every kind of fault that the lab knows. */
export const kinds: readonly Kind[] = [
  { name: 'node-killed', place: 'node', lasts: [0.5, 4], meaning: 'kill -9, started again after that' },
  {
    name: 'node-stopped',
    place: 'node',
    lasts: [13, 15],
    meaning: 'SIGSTOP for longer than a lease, then SIGCONT',
  },
  {
    name: 'node-restarted',
    place: 'node',
    lasts: moment,
    meaning: 'SIGTERM, and started again once it has ended',
  },
  {
    name: 'node-partitioned',
    place: 'node',
    lasts: [4, 15],
    meaning: 'reaches neither PostgreSQL nor Redis nor callers',
  },
  { name: 'node-clock-skewed', place: 'node', lasts: [6, 15], meaning: 'its clock is up to ten minutes off' },
  {
    name: 'database-restarted',
    place: 'database',
    lasts: [0.5, 3],
    meaning: 'PostgreSQL stopped in good order',
  },
  {
    name: 'database-crashed',
    place: 'database',
    lasts: [0.5, 3],
    meaning: 'PostgreSQL stopped at once; it recovers',
  },
  { name: 'database-sessions-ended', place: 'database', lasts: moment, meaning: 'every session terminated' },
  {
    name: 'database-snapshot-held',
    place: 'database',
    lasts: [8, 15],
    meaning: 'a transaction stays open, so that nothing is vacuumed',
  },
  {
    name: 'queue-restarted',
    place: 'queue',
    lasts: [0.5, 5],
    meaning: 'Redis killed, started again empty',
    onRedisOnly: true,
  },
  { name: 'queue-emptied', place: 'queue', lasts: moment, meaning: 'FLUSHALL, or its tables truncated' },
  { name: 'webhook-slow', place: 'webhook', lasts: [5, 10], meaning: 'answers after up to 2 s' },
  { name: 'webhook-dead', place: 'webhook', lasts: [5, 12], meaning: 'takes no connections' },
  {
    name: 'webhook-failing',
    place: 'webhook',
    lasts: [4, 8],
    meaning: 'answers 500 and 503; part of a batch',
  },
  { name: 'webhook-silent', place: 'webhook', lasts: [4, 8], meaning: 'takes requests and never answers' },
  { name: 'webhook-throttling', place: 'webhook', lasts: [4, 8], meaning: 'answers 429 with Retry-After' },
  { name: 'consumer-killed', place: 'consumer', lasts: moment, meaning: 'its socket is cut' },
  {
    name: 'consumer-flapping',
    place: 'consumer',
    lasts: [3, 6],
    meaning: 'attaches and is cut, over and over',
  },
  { name: 'consumer-late', place: 'consumer', lasts: [6, 10], meaning: 'acknowledges after the deadline' },
  { name: 'consumer-mute', place: 'consumer', lasts: [6, 10], meaning: 'never acknowledges' },
  { name: 'consumer-twice', place: 'consumer', lasts: [4, 8], meaning: 'acknowledges everything twice' },
  { name: 'secret-rotated', place: 'webhook', lasts: moment, meaning: 'old and new secret sign from now on' },
  { name: 'subscription-paused', place: 'subscription', lasts: [2, 6], meaning: 'and resumed after that' },
  ...linkKinds,
];
