import type { Why } from './alert-details.ts';
import type { NoticeKind } from './notices.ts';
import type { AlertSeverity, RuleName } from './rules.ts';

/** Holds what a rule is called, what its value is, and what to do when it fires. */
interface RuleWords {
  readonly title: string;
  /** Empty where the title says it all. */
  readonly value: string;
  readonly advice: string;
  /** For a subscription that has no webhook; left out: the same. */
  readonly attachedAdvice?: string;
}

/** Why a subscription's events wait or come late, and what to do about it. */
interface WhyWords {
  readonly text: (errorCode: string | null) => string;
  readonly advice: string;
}

/** Everything that messages say, in one language. */
export interface Words {
  readonly rules: Readonly<Record<RuleName, RuleWords>>;
  readonly whys: Readonly<Record<Why, WhyWords>>;
  readonly severities: Readonly<Record<AlertSeverity, string>>;
  /** Empty for an alert that fires: its severity says so. */
  readonly kinds: Readonly<Record<NoticeKind, string>>;
  readonly all: string;
  /** In the place of a subscription, for what is about the hub itself. */
  readonly hub: string;
  readonly fromTo: {
    readonly since: string;
    readonly until: string;
    readonly cause: string;
    /** Before the reason of one subscription, and before those of several, with their shares. */
    readonly why: string;
    readonly whose: string;
    readonly vouchers: string;
    readonly threshold: string;
  };
  readonly advice: string;
  readonly open: string;
  heading(severity: string, kind: string, title: string): string;
  more(count: number): string;
  /** Gives what is over, beside what is not. */
  over(count: number): string;
  minutes(minutes: number): string;
  duration(seconds: number): string;
  /** Separates a label from what it labels, and the parts of a line. */
  readonly colon: string;
  readonly comma: string;
  /** Between things of one kind, and between longer ones. */
  readonly listComma: string;
  readonly semicolon: string;
  inParentheses(text: string): string;
}
