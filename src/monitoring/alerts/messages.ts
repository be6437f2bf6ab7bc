import { BusinessTime } from '../../core/business-time.ts';
import { limits } from '../../core/limits.ts';
import { missingSpanOf } from '../audit/restores.ts';
import type { AlertDetails, Share, Why } from './alert-details.ts';
import type { Language } from './alert-settings.ts';
import type { NoticeKind } from './notices.ts';
import { type AlertSeverity, metrics, type RuleName } from './rules.ts';
import type { Words } from './wording.ts';
import { en } from './wording-en.ts';
import { zh } from './wording-zh.ts';

const words: Readonly<Record<Language, Words>> = { zh, en };

/** An alert as people are told of it. */
export interface AlertNotice {
  readonly kind: NoticeKind;
  readonly alert: {
    readonly id: string;
    readonly rule: RuleName;
    readonly severity: AlertSeverity;
    /** Null: all subscriptions together; or a rule that can't be evaluated, which `subject` names. */
    readonly subscription: {
      readonly id: string;
      readonly name: string;
      readonly targetSystem: string;
      /** False: its events go to consumers that attach. */
      readonly hasWebhook: boolean;
    } | null;
    readonly subject: string;
    readonly value: number | null;
    readonly threshold: number | null;
    readonly cause: string | null;
    readonly details: AlertDetails;
    readonly firedAt: number;
    readonly resolvedAt: number | null;
  };
}

/**
 * Holds what is said of the alerts of one rule, severity and kind: many subscriptions that fail for one cause are one
 * section.
 */
export interface Section {
  readonly kind: NoticeKind;
  readonly severity: AlertSeverity;
  readonly heading: string;
  readonly lines: readonly string[];
  readonly advice: string;
  /** To a page that shows what fires; null: HUB_PUBLIC_URL is not set. */
  readonly link: string | null;
}

/** Holds what fits into a short message: the worst of the alerts, and how many there are that fire, or are over, as it does. */
export interface ShortMessage {
  readonly level: string;
  readonly what: string;
  readonly target: string;
  readonly since: string;
  readonly count: string;
}

/** Letters of a name where several stand in one line. */
const nameChars = 40;

/** Bytes of a text from outside in a line. */
const plainBytes = 400;

const severityOrder: readonly AlertSeverity[] = ['critical', 'warning', 'info'];
const kindOrder: readonly NoticeKind[] = ['escalated', 'firing', 'resolved', 'test'];

/** Puts alerts into words, in one language and time zone. */
export class AlertMessages {
  readonly words: Words;
  readonly #time: BusinessTime;
  readonly #publicUrl: string | null;

  /** @param options.publicUrl where people reach the hub, without a slash at the end */
  constructor(options: { language: Language; timeZone: string; publicUrl: string | null }) {
    this.words = words[options.language];
    this.#time = new BusinessTime(options.timeZone);
    this.#publicUrl = options.publicUrl;
  }

  /** One section for each rule, severity and kind; the worst first. */
  sections(notices: readonly AlertNotice[]): Section[] {
    const groups = Map.groupBy(
      inOrder(notices),
      ({ kind, alert }) => `${kind} ${alert.severity} ${alert.rule}`,
    );
    return [...groups.values()].map(group => this.#section(group));
  }

  /** Gives what all of it is about, in one line: for a subject or title. */
  title(notices: readonly AlertNotice[]): string {
    const [first] = inOrder(notices);
    if (first === undefined) return '';
    const alike = alikeWith(first, notices);
    const parts = [this.#target(first)];
    if (alike > 1) parts.push(this.words.more(alike - 1));
    // The heading is that of what fires: what is over beside it is no more of that.
    if (alike < notices.length) parts.push(this.words.over(notices.length - alike));
    return `${this.#heading(first)}${this.words.colon}${parts.join(this.words.comma)}`;
  }

  /** For SMS and voice, whose templates have room for little. */
  short(notices: readonly AlertNotice[]): ShortMessage {
    const [first] = inOrder(notices);
    if (first === undefined) throw new Error('There is nothing to tell.');
    const { severity, rule, firedAt } = first.alert;
    const kind = this.words.kinds[first.kind];
    return {
      level: `${this.words.severities[severity]}${kind === '' ? '' : ` ${kind}`}`,
      what: this.words.rules[rule].title,
      target: this.#target(first),
      since: this.#time.shown(firedAt),
      count: String(alikeWith(first, notices)),
    };
  }

  #section(group: readonly [AlertNotice, ...AlertNotice[]] | readonly AlertNotice[]): Section {
    const [first] = group;
    if (first === undefined) throw new Error('A group is never empty.');
    const { kind, alert } = first;
    const lines = group.slice(0, limits.alertsNamed).map(notice => this.#line(notice));
    if (group.length > lines.length) lines.push(this.words.more(group.length - lines.length));
    const advice = kind === 'resolved' ? '' : this.#advice(alert.rule, group);
    const link = this.#publicUrl === null ? null : `${this.#publicUrl}/graphiql?show=alerts`;
    return { kind, severity: alert.severity, heading: this.#heading(first), lines, advice, link };
  }

  /** Gives what is known to be behind an alert, in words: what fails most, or whose it is and why; null: nothing is. */
  cause({
    subscription,
    cause,
    details: { shares, more },
  }: Pick<AlertNotice['alert'], 'subscription' | 'cause' | 'details'>): string | null {
    const [first] = shares;
    if (first === undefined) return cause === null ? null : this.#causeText(cause);
    if (subscription !== null) return this.#why(first);
    const named = shares.map(share => {
      const { targetSystem, name, id, percent } = share;
      return `${percent} % ${cut(targetSystem)}/${cut(name)} #${id}${this.words.inParentheses(this.#why(share))}`;
    });
    return [...named, ...(more > 0 ? [`+${more}`] : [])].join(this.words.semicolon);
  }

  #why({ why, errorCode, since }: Share): string {
    const text = this.words.whys[why].text(errorCode);
    return since === null
      ? text
      : `${text}${this.words.comma}${this.words.fromTo.since} ${this.#time.shown(since)}`;
  }

  /**
   * Gives what to do about each reason that there is, else what the rule says. Its commands name the subscription where it is
   * one alone; else they say ID, and the lines which there are.
   */
  #advice(rule: RuleName, group: readonly AlertNotice[]): string {
    const whys = new Map<Why, Set<string>>();
    for (const { id, why } of group.flatMap(({ alert }) => alert.details.shares))
      whys.set(why, (whys.get(why) ?? new Set()).add(id));
    const told = [...whys].map(([why, ids]) => withId(this.words.whys[why].advice, ids));
    if (told.length > 0) return `${this.words.advice}${told.join(' ')}`;
    const ids = new Set(group.flatMap(({ alert }) => alert.subscription?.id ?? []));
    const isAttached = group.every(({ alert }) => alert.subscription?.hasWebhook === false);
    const { advice, attachedAdvice = advice } = this.words.rules[rule];
    return `${this.words.advice}${withId(isAttached ? attachedAdvice : advice, ids)}`;
  }

  #heading({ kind, alert }: AlertNotice): string {
    const { severities, kinds, rules } = this.words;
    return this.words.heading(severities[alert.severity], kinds[kind], rules[alert.rule].title);
  }

  #line(notice: AlertNotice): string {
    const { rule, value, threshold, details, firedAt, resolvedAt } = notice.alert;
    const { fromTo, comma, colon } = this.words;
    const label = this.words.rules[rule].value;
    const parts: string[] = [];
    const counts = metrics[rule].unit !== 'state' && label !== '';
    if (counts && value !== null) parts.push(`${label} ${this.#amount(rule, value)}`);
    if (counts && threshold !== null) parts.push(`${fromTo.threshold} ${this.#amount(rule, threshold)}`);
    parts.push(`${fromTo.since} ${this.#time.shown(firedAt)}`);
    if (resolvedAt !== null) {
      parts.push(`${fromTo.until} ${this.#time.shown(resolvedAt)}`);
      parts.push(this.words.minutes(Math.max(1, Math.round((resolvedAt - firedAt) / 60_000))));
      return `${this.#target(notice)}${colon}${parts.join(comma)}`;
    }
    const cause = this.cause(notice.alert);
    if (cause !== null) parts.push(`${this.#causeLabel(notice.alert)} ${plain(cause)}`);
    if (details.vouchers.length > 0)
      parts.push(`${fromTo.vouchers} ${details.vouchers.map(voucherText).join(this.words.listComma)}`);
    return `${this.#target(notice)}${colon}${parts.join(comma)}`;
  }

  /** A time in which something may be missing is told as the other times are. */
  #causeText(cause: string): string {
    const span = missingSpanOf(cause);
    return span === null ? cause : `${this.#time.shown(span.since)} – ${this.#time.shown(span.until)}`;
  }

  #causeLabel({ rule, details, subscription }: AlertNotice['alert']): string {
    const { cause, why, whose } = this.words.fromTo;
    if (rule === 'database_restored') return this.words.rules[rule].value;
    if (details.shares.length === 0) return cause;
    return subscription === null ? whose : why;
  }

  #target({ alert: { subscription, rule, subject } }: AlertNotice): string {
    if (subscription !== null)
      return `${plain(subscription.targetSystem)}/${plain(subscription.name)} (#${subscription.id})`;
    if (rule === 'clock_skewed') return this.words.hub;
    return rule === 'cannot_evaluate' ? subject : this.words.all;
  }

  #amount(rule: RuleName, value: number): string {
    const { unit } = metrics[rule];
    if (unit === 'seconds') return this.words.duration(value);
    // Rounded down: 94.99 % must not read as 95.
    return unit === 'percent' ? `${Math.floor(value * 100) / 100} %` : String(value);
  }
}

/** Packs blocks into as few texts as fit into `maxBytes` each (UTF-8), `most` at most; what is left over is only counted. */
export function pack(
  blocks: readonly string[],
  options: { readonly maxBytes: number; readonly most: number; readonly more: (count: number) => string },
): string[] {
  // Room for the line that says how much was left out.
  const room = options.maxBytes - 64;
  const texts: string[] = [];
  for (const [at, block] of blocks.entries()) {
    const fitting = cutBytes(block, room);
    const last = texts.at(-1);
    if (last !== undefined && Buffer.byteLength(`${last}\n\n${fitting}`) <= room)
      texts[texts.length - 1] = `${last}\n\n${fitting}`;
    else if (texts.length < options.most) texts.push(fitting);
    else {
      texts[texts.length - 1] = `${last}\n\n${options.more(blocks.length - at)}`;
      break;
    }
  }
  return texts;
}

/** Cuts a text to so many bytes of UTF-8, between characters, and says so by an ellipsis. */
export function cutBytes(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  let cut = '';
  let bytes = Buffer.byteLength('…');
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) break;
    cut += character;
  }
  return `${cut}…`;
}

/** Names and causes come from outside: none of it may be read as a link, a mention or a new line. */
function plain(text: string): string {
  const wide: Record<string, string> = {
    '<': '＜',
    '>': '＞',
    '[': '［',
    ']': '］',
    '*': '＊',
    '`': '＇',
    '@': '＠',
    '&': '＆',
  };
  return cutBytes(
    text.replaceAll(/\p{Cc}+/gu, ' ').replaceAll(/[<>[\]*`@&]/g, one => wide[one] ?? one),
    plainBytes,
  );
}

/** As people know a voucher: by its id in its source system, and by its number in the hub. */
function voucherText({ sourceId, voucherNo }: AlertDetails['vouchers'][number]): string {
  return plain(`${cut(sourceId)} (${voucherNo})`);
}

/** Puts the id of the one subscription in the place of `ID`. */
function withId(advice: string, ids: ReadonlySet<string>): string {
  const [only] = ids;
  return only === undefined || ids.size > 1 ? advice : advice.replaceAll(' ID', ` ${only}`);
}

/** Names may be long, and a line names several. */
function cut(name: string): string {
  return name.length > nameChars ? `${name.slice(0, nameChars)}…` : name;
}

/** Says how many are like one of them: over, or not over yet. */
function alikeWith(one: AlertNotice, notices: readonly AlertNotice[]): number {
  const isOver = one.kind === 'resolved';
  return notices.filter(({ kind }) => (kind === 'resolved') === isOver).length;
}

function inOrder(notices: readonly AlertNotice[]): AlertNotice[] {
  const rank = ({ kind, alert }: AlertNotice) =>
    kindOrder.indexOf(kind) * 10 + severityOrder.indexOf(alert.severity);
  return notices.toSorted((a, b) => rank(a) - rank(b) || Number(a.alert.id) - Number(b.alert.id));
}
