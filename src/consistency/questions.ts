import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { Feed } from '../core/feed.ts';
import { Latch } from '../core/latch.ts';
import { limits } from '../core/limits.ts';
import type { Logger } from '../core/logger.ts';
import {
  answerQuestion,
  deleteListener,
  deleteQuestion,
  insertQuestion,
  type ListenerRow,
  listenedAmong,
  readAnswer,
  renewListeners,
  takeQuestions,
} from '../db/consistency/question-statements.ts';
import type { Database } from '../db/database.ts';
import type { ConsistencyChannel, Question, Reply } from './conversation.ts';

/** A question on its way to an attached consumer. */
export interface PushedQuestion extends Question {
  readonly id: string;
}

/** Holds what questions need of the hub. */
export interface QuestionsDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Logger;
  /** Tells the other nodes which subscriptions are asked something, and which questions are answered. */
  readonly tell: (topic: 'questions' | 'answers', ids: readonly string[]) => void;
}

interface QuestionListener extends ListenerRow {
  readonly feed: Feed<PushedQuestion>;
}

/**
 * Questions to consumers over their sockets. Who asks and whom a consumer is attached to may be two nodes: question
 * and answer stand in a table until they are read, and nodes tell one another ids.
 */
export class Questions {
  readonly #deps: QuestionsDeps;
  readonly #listeners = new Map<string, QuestionListener>();
  readonly #waiting = new Map<string, Latch>();
  readonly #leaving = new Set<Promise<unknown>>();
  #cancels: (() => void)[] = [];
  #looking: Promise<void> | undefined;
  #lookAgain = false;

  constructor(deps: QuestionsDeps) {
    this.#deps = deps;
  }

  /** Keeps the leases of listeners, and looks for questions that this node was not told of. */
  start(): void {
    const { clock } = this.#deps;
    this.#cancels = [
      clock.every(limits.questionPollMs, () => this.look()),
      clock.every(limits.attachmentPollMs, () => void this.#renew()),
    ];
  }

  /** Ends all feeds. */
  async stop(): Promise<void> {
    for (const cancel of this.#cancels) cancel();
    for (const { feed } of this.#listeners.values()) feed.end();
    await Promise.all([...this.#leaving, this.#looking]);
  }

  /** Attaches a consumer that answers. Leave the feed to detach. */
  async attach(who: { subscriptionId: string; keyId: string }): Promise<Feed<PushedQuestion>> {
    const id = randomUUID();
    const feed = new Feed<PushedQuestion>(() => this.#leave(id));
    await renewListeners(this.#deps.db.pool, [{ id, ...who }], limits.attachmentLeaseMs);
    this.#listeners.set(id, { id, ...who, feed });
    this.look();
    return feed;
  }

  /** Gives those of some subscriptions that have somebody who answers. */
  listenedAmong(subscriptionIds: readonly string[]): Promise<Set<string>> {
    return listenedAmong(this.#deps.db.pool, subscriptionIds);
  }

  /** A way to ask a subscription's attached consumer. @param timeoutMs for an answer */
  channel(subscriptionId: string, timeoutMs: number): ConsistencyChannel {
    return { ask: (question, signal) => this.#ask(subscriptionId, question, { timeoutMs, signal }) };
  }

  /** Gives what a consumer answers, on any connection of its key. @returns whether it was waited for */
  async answer(keyId: string, questionId: string, answer: string): Promise<boolean> {
    const taken = await answerQuestion(this.#deps.db.pool, keyId, questionId, answer);
    if (taken) this.answered([questionId]);
    if (taken) this.#deps.tell('answers', [questionId]);
    return taken;
  }

  /** Questions were answered, here or elsewhere. */
  answered(ids: readonly string[]): void {
    for (const id of ids) this.#waiting.get(id)?.raise();
  }

  /** Looks for questions to the listeners of this node. */
  look(): void {
    if (this.#listeners.size === 0) return;
    this.#lookAgain = true;
    this.#looking ??= this.#push()
      .catch((error: unknown) =>
        this.#deps.log.warn({ error: messageOf(error) }, 'questions wait for the database'),
      )
      .finally(() => {
        this.#looking = undefined;
      });
  }

  async #push(): Promise<void> {
    while (this.#lookAgain) {
      this.#lookAgain = false;
      for (const taken of await takeQuestions(this.#deps.db.pool, [...this.#listeners.values()])) {
        // This hub wrote it.
        const question: Question = JSON.parse(taken.question);
        this.#listeners.get(taken.listenerId)?.feed.push({ ...question, id: taken.id });
      }
    }
  }

  async #ask(
    subscriptionId: string,
    question: Question,
    { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
  ): Promise<Reply> {
    const { db, clock } = this.#deps;
    if (!(await this.listenedAmong([subscriptionId])).has(subscriptionId))
      return { fault: nobody, passing: false, bytes: 0 };
    const id = randomUUID();
    const text = JSON.stringify(question);
    const answered = new Latch(clock);
    this.#waiting.set(id, answered);
    try {
      await insertQuestion(db.pool, { id, subscriptionId, question: text });
      this.#deps.tell('questions', [subscriptionId]);
      this.look();
      const until = clock.steady() + timeoutMs;
      while (clock.steady() < until && !signal.aborted) {
        await answered.wait(Math.min(limits.questionPollMs, timeoutMs));
        const answer = await readAnswer(db.pool, id);
        if (answer !== undefined) return replyOf(answer, text.length);
      }
      const fault = `The attached consumer did not answer within ${timeoutMs} ms.`;
      return { fault, passing: true, bytes: text.length };
    } finally {
      this.#waiting.delete(id);
      await deleteQuestion(db.pool, id);
    }
  }

  #leave(id: string): void {
    this.#listeners.delete(id);
    const leaving = deleteListener(this.#deps.db.pool, id)
      .catch((error: unknown) => this.#deps.log.warn({ error: messageOf(error) }, 'detaching'))
      .finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }

  async #renew(): Promise<void> {
    if (this.#listeners.size === 0) return;
    try {
      await renewListeners(this.#deps.db.pool, [...this.#listeners.values()], limits.attachmentLeaseMs);
    } catch (error) {
      this.#deps.log.warn({ error: messageOf(error) }, 'listeners wait for the database');
    }
  }
}

const nobody =
  'The subscription has no consistencyUrl, and no consumer that answers consistency questions is attached.';

/** A consumer that can't answer says `{"error": …}`. */
function replyOf(answer: unknown, askedBytes: number): Reply {
  const bytes = askedBytes + Buffer.byteLength(JSON.stringify(answer));
  if (typeof answer === 'object' && answer !== null && 'error' in answer)
    return {
      fault: `The attached consumer refused to answer: ${String(answer.error).slice(0, limits.excerptChars)}`,
      passing: false,
      bytes,
    };
  return { answer, bytes };
}
