import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { messageBytes, type NodeMessages } from './messages.ts';

const topics = [
  'shards',
  'reopened',
  'settled',
  'syncs',
  'routing',
  'alerts',
  'questions',
  'answers',
] as const;

/**
 * Holds what nodes tell one another, all of it ids:
 * - `shards`: these have work (for workers, and nodes with attached consumers)
 * - `reopened`: these take events again (their consumer left, or a person resumed them)
 * - `settled`: the outcomes of these pushes were written elsewhere
 * - `syncs`, `alerts`: these changed (for nodes with watchers)
 * - `routing`: these caches of intake are out of date, `subscriptions` or `event_types`
 * - `questions`: the consumers of these subscriptions are asked something
 * - `answers`: these questions are answered
 */
export type Topic = (typeof topics)[number];

/** Topics that are worth a message only while some other node has said that it listens. */
const wantedTopics = ['shards', 'syncs', 'alerts'] as const satisfies readonly Topic[];
type WantedTopic = (typeof wantedTopics)[number];

/** Sets how often a node repeats what it wants, and how long others believe it, milliseconds. */
const wantEveryMs = 5_000;
const wantedForMs = 12_000;

/** Ids in one message: 36 characters each at most (UUIDs), with quotes and comma. */
const idsInMessage = Math.floor((messageBytes - 100) / 39);

const message = z.union([
  z.object({ want: z.array(z.enum(wantedTopics)) }),
  z.object({ topic: z.enum(topics), ids: z.array(z.string()) }),
]);

/** The other nodes of the installation, as far as this one talks to them. */
export class Nodes {
  readonly #messages: NodeMessages;
  readonly #clock: Clock;
  readonly #handlers = new Map<Topic, (ids: readonly string[]) => void>();
  readonly #wants = new Set<WantedTopic>();
  readonly #wantedUntil = new Map<WantedTopic, number>();
  #cancel: (() => void) | undefined;

  constructor(messages: NodeMessages, clock: Clock) {
    this.#messages = messages;
    this.#clock = clock;
  }

  /** Begins to listen. */
  start(): void {
    this.#messages.listen(text => this.#take(text));
    this.#cancel = this.#clock.every(wantEveryMs, () => this.#sayWants());
  }

  stop(): void {
    this.#cancel?.();
  }

  /** Sets what is done when another node tells of a topic. */
  on(topic: Topic, handler: (ids: readonly string[]) => void): void {
    this.#handlers.set(topic, handler);
  }

  /** Tells the others whether this node wants to be told of a topic. */
  want(topic: WantedTopic, wanted: boolean): void {
    if (wanted === this.#wants.has(topic)) return;
    if (wanted) this.#wants.add(topic);
    else this.#wants.delete(topic);
    if (wanted) this.#sayWants();
  }

  /** Tells whether another node wants to be told of a topic. */
  isWanted(topic: WantedTopic): boolean {
    return (this.#wantedUntil.get(topic) ?? 0) > this.#clock.steady();
  }

  /** Tells the others. */
  tell(topic: Topic, ids: readonly string[]): void {
    if (isWantedTopic(topic) && !this.isWanted(topic)) return;
    for (let at = 0; at < ids.length; at += idsInMessage)
      this.#messages.send(JSON.stringify({ topic, ids: ids.slice(at, at + idsInMessage) }));
  }

  #sayWants(): void {
    if (this.#wants.size > 0) this.#messages.send(JSON.stringify({ want: [...this.#wants] }));
  }

  #take(text: string): void {
    const parsed = message.safeParse(parse(text));
    if (!parsed.success) return;
    if ('topic' in parsed.data) return this.#handlers.get(parsed.data.topic)?.(parsed.data.ids);
    for (const topic of parsed.data.want) this.#wantedUntil.set(topic, this.#clock.steady() + wantedForMs);
  }
}

function isWantedTopic(topic: Topic): topic is WantedTopic {
  return wantedTopics.some(wanted => wanted === topic);
}

/** Undefined for what is not JSON: a node of another version may say anything. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
