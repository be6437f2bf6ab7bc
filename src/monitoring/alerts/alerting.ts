import { messageOf } from '../../core/errors.ts';
import { Evaluator, type EvaluatorDeps } from './evaluator.ts';
import { Notifier, type NotifierDeps } from './notifier.ts';
import { Watchdog } from './watchdog.ts';

/** Holds what alerting works with. */
export type AlertingDeps = EvaluatorDeps & NotifierDeps;

/** Evaluates the rules and tells people: one round of it at a time. */
export class Alerting {
  readonly notifier: Notifier;
  readonly #deps: AlertingDeps;
  readonly #evaluator: Evaluator;
  readonly #watchdog: Watchdog;
  #watching: Promise<void> = Promise.resolve();

  constructor(deps: AlertingDeps) {
    this.#deps = deps;
    this.#evaluator = new Evaluator(deps);
    this.notifier = new Notifier(deps);
    this.#watchdog = new Watchdog({
      ...deps,
      tell: (channel, notices) => this.notifier.tell(channel, notices),
    });
  }

  /** Evaluates once and begins to send what is due; waits for no channel, and never rejects. */
  async round(): Promise<void> {
    try {
      await this.#evaluator.run();
      await this.notifier.run();
      this.#watch(() => this.#watchdog.fine());
    } catch (error) {
      this.#deps.log.warn({ error: messageOf(error) }, 'alerts could not be evaluated');
      this.#watch(() => this.#watchdog.fault(messageOf(error).slice(0, 200)));
    }
  }

  /** Resolves when nothing is being sent. */
  async idle(): Promise<void> {
    await this.#watching;
    await this.notifier.idle();
  }

  /** Sends no more, and waits for what is under way. */
  async stop(): Promise<void> {
    await this.notifier.stop();
    await this.#watching;
  }

  /** One after the other, so that nothing is told twice. */
  #watch(look: () => Promise<void>): void {
    this.#watching = this.#watching.then(look);
  }
}
