import type { Clock } from './clock.ts';
import { HubError } from './errors.ts';
import { limits } from './limits.ts';

/** Sets how long changes are collected before watchers hear of them, milliseconds. */
const collectMs = 100;

/** Holds what can be watched. */
interface Identified {
  readonly id: string;
}

/** The other nodes, as far as changes of one kind concern them. */
export interface NodesOfTopic<Topic extends string> {
  isWanted(topic: Topic): boolean;
  want(topic: Topic, wanted: boolean): void;
  tell(topic: Topic, ids: readonly string[]): void;
  on(topic: Topic, handler: (ids: readonly string[]) => void): void;
}

/**
 * Tells watchers which rows changed, on this node and the others. Costs nothing while nobody watches. What happens to
 * one row within a moment is told once, as it stands then; a row that stands as it was told last is not told again.
 */
export class RowChanges<Row extends Identified, Topic extends string> {
  readonly #clock: Clock;
  readonly #nodes: NodesOfTopic<Topic>;
  readonly #topic: Topic;
  readonly #slowText: string;
  readonly #watchers = new Set<RowWatcher<Row>>();
  #changed = new Set<string>();

  /** @param deps.slowText what a watcher hears that reads too slowly, after how many rows that is */
  constructor(deps: { clock: Clock; nodes: NodesOfTopic<Topic>; topic: Topic; slowText: string }) {
    this.#clock = deps.clock;
    this.#nodes = deps.nodes;
    this.#topic = deps.topic;
    this.#slowText = `More than ${limits.watcherBacklog} ${deps.slowText}`;
    deps.nodes.on(deps.topic, ids => this.#show(ids));
  }

  /** True when anybody would hear of it: only then are ids worth asking for. */
  get isWatched(): boolean {
    return this.#watchers.size > 0 || this.#nodes.isWanted(this.#topic);
  }

  note(ids: Iterable<string>): void {
    if (!this.isWatched) return;
    if (this.#changed.size === 0) this.#clock.after(collectMs, () => this.#flush());
    for (const id of ids) this.#changed.add(id);
  }

  /** The rows that `read` gives of those that change, from now on. Leave the iterator to end it. */
  watch(read: (ids: readonly string[]) => Promise<Row[]>): AsyncIterableIterator<Row> {
    const onLeave = () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) this.#nodes.want(this.#topic, false);
    };
    const watcher = new RowWatcher(read, { onLeave, slowText: this.#slowText });
    this.#watchers.add(watcher);
    this.#nodes.want(this.#topic, true);
    return watcher;
  }

  #flush(): void {
    const ids = [...this.#changed];
    this.#changed = new Set();
    this.#nodes.tell(this.#topic, ids);
    this.#show(ids);
  }

  #show(ids: readonly string[]): void {
    for (const watcher of this.#watchers) watcher.add(ids);
  }
}

/** One who watches. Of what it has not read yet only ids are kept, and of those not more than a limit. */
class RowWatcher<Row extends Identified> implements AsyncIterableIterator<Row> {
  readonly #read: (ids: readonly string[]) => Promise<Row[]>;
  readonly #onLeave: () => void;
  readonly #slowText: string;
  readonly #ids = new Set<string>();
  /** Says how the rows told last stood, the newest last. */
  readonly #told = new Map<string, string>();
  #rows: Row[] = [];
  #hasLeft = false;
  #tooSlow = false;
  #wake: (() => void) | undefined;

  constructor(
    read: (ids: readonly string[]) => Promise<Row[]>,
    options: { onLeave: () => void; slowText: string },
  ) {
    this.#read = read;
    this.#onLeave = options.onLeave;
    this.#slowText = options.slowText;
  }

  add(ids: readonly string[]): void {
    for (const id of ids) this.#ids.add(id);
    if (this.#ids.size > limits.watcherBacklog) {
      // It may be long until the reader asks again and hears of it, if ever: nothing is kept for it until then.
      this.#tooSlow = true;
      this.#leave();
    }
    this.#wake?.();
  }

  /** @throws HubError LIMIT_EXCEEDED once it reads more slowly than rows change; what reading them throws */
  async next(): Promise<IteratorResult<Row, undefined>> {
    for (;;) {
      if (this.#tooSlow) {
        this.#tooSlow = false;
        throw new HubError('LIMIT_EXCEEDED', this.#slowText);
      }
      if (this.#hasLeft) return { done: true, value: undefined };
      const row = this.#rows.shift();
      if (row !== undefined) {
        // What has changed again since it was read is told once, as it stands later.
        if (!this.#ids.has(row.id) && this.#isNews(row)) return { done: false, value: row };
      } else if (this.#ids.size > 0) await this.#readPage();
      else await this.#wait();
    }
  }

  async return(): Promise<IteratorResult<Row, undefined>> {
    this.#leave();
    this.#wake?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Two changes are noted one after the other, and the first may be read when both are done. */
  #isNews(row: Row): boolean {
    const state = JSON.stringify(row);
    if (this.#told.get(row.id) === state) return false;
    this.#told.delete(row.id);
    this.#told.set(row.id, state);
    const [oldest] = this.#told.keys();
    if (this.#told.size > limits.watcherRemembers && oldest !== undefined) this.#told.delete(oldest);
    return true;
  }

  async #readPage(): Promise<void> {
    try {
      const rows = await this.#read(this.#take());
      if (!this.#hasLeft) this.#rows = rows;
    } catch (error) {
      // Whoever reads an iterator that throws does not leave it by itself.
      this.#leave();
      throw error;
    }
  }

  #leave(): void {
    if (!this.#hasLeft) this.#onLeave();
    this.#hasLeft = true;
    this.#ids.clear();
    this.#told.clear();
    this.#rows = [];
  }

  #take(): string[] {
    const ids: string[] = [];
    for (const id of this.#ids) {
      if (ids.length === limits.watcherPage) break;
      ids.push(id);
      this.#ids.delete(id);
    }
    return ids;
  }

  async #wait(): Promise<void> {
    await new Promise<void>(resolve => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }
}
