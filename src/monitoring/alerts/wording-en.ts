import type { Words } from './wording.ts';

/** Messages in English. */
export const en: Words = {
  rules: {
    success_rate: {
      title: 'Success rate too low',
      value: 'success rate',
      advice: 'See why: hub tail --status failed. Once the target is well: hub retry --subscription ID.',
    },
    latency: {
      title: 'Latency too high',
      value: 'average latency',
      advice: 'Look at how fast the target answers, and at the subscription’s window and rate limit.',
    },
    failures: {
      title: 'Syncs failed',
      value: 'failed',
      advice: 'Their retries are used up. Once the cause is gone: hub retry --subscription ID.',
    },
    backlog: {
      title: 'Backlog',
      value: 'waiting',
      advice: 'See how each subscription stands: hub subscriptions list.',
    },
    retrying: {
      title: 'Many syncs are being retried',
      value: 'retrying',
      advice: 'They are tried again by themselves; the target is not stable.',
    },
    failures_in_row: {
      title: 'Failures in a row',
      value: 'in a row',
      advice: 'One event after the other fails, so look at the target now: hub subscriptions test ID.',
      attachedAdvice:
        'One event after the other fails, so look at the consumer’s log now: hub tail --subscription ID --status failed --verbose.',
    },
    consistency: {
      title: 'Too many differences',
      value: 'differences',
      advice: 'See the consistency report; hub fix-data repairs.',
    },
    data_refused: {
      title: 'The target refuses the data',
      value: 'refused',
      advice: 'Not tried again: mend the data or the target, then hub retry --subscription ID.',
    },
    payload_query: {
      title: 'A payloadQuery does not fit',
      value: 'failed',
      advice:
        'Correct it (updateDataSubscription), then hub retry --subscription ID --error PAYLOAD_QUERY_INVALID.',
    },
    gone: {
      title: 'The target wants no more (410): subscription paused',
      value: '',
      advice: 'Everything is kept. When it wants events again: hub subscriptions resume ID.',
    },
    suspended: {
      title: 'The target is down: subscription suspended',
      value: '',
      advice:
        'Everything is kept, and goes on by itself once it is back; hub subscriptions test ID shows how it is.',
    },
    clock_skewed: {
      title: 'A hub’s clock is not the database’s',
      value: 'off by',
      advice:
        'Signatures go by the database’s clock meanwhile. Let that machine and the database keep time by NTP; hub doctor shows both.',
    },
    database_restored: {
      title: 'The database is an older copy (a restored backup or a promoted standby); data may be missing',
      value: 'may be missing',
      advice:
        'All numbers have moved on, so none is given twice. Let every publisher repeat all that it recorded in that time (nothing is recorded twice), then compare each subscription: hub check --subscription ID. Once all is back: hub restored --done.',
    },
    cannot_evaluate: {
      title: 'A rule can’t be evaluated',
      value: '',
      advice: 'Alerts may be blind: run hub doctor, and see the log.',
    },
  },
  whys: {
    paused: { text: () => 'a person paused it', advice: 'To deliver again: hub subscriptions resume ID.' },
    gone: {
      text: () => 'paused, as its target answered 410',
      advice: 'When the target wants events again: hub subscriptions resume ID.',
    },
    suspended: {
      text: code => `suspended, as its target is down${code === null ? '' : ` (${code})`}`,
      advice: 'It goes on by itself once the target is back; hub subscriptions test ID shows how that is.',
    },
    unattached: {
      text: () => 'no consumer is attached',
      advice:
        'Let the system’s consumer attach again: hub subscriptions list shows whether one is, hub listen --subscription ID attaches one to try.',
    },
    batch: {
      text: () => 'the night’s batch is still being delivered',
      advice: 'A batch goes on by itself; if it is too slow, look at the target.',
    },
    retrying: {
      text: code => `being retried${code === null ? '' : ` (${code})`}`,
      advice:
        'Retries go on by themselves; what the target answers: hub tail --subscription ID --status retrying --verbose.',
    },
    recorded_late: {
      text: () => 'recorded long after it happened',
      advice: 'Delivery is in time, so see whether the publisher is behind.',
    },
    slow: {
      text: () => 'delivered more slowly than it comes',
      advice:
        'Look at how fast the target answers, and at the window and rate limit: hub subscriptions list --json.',
    },
  },
  severities: { critical: 'Critical', warning: 'Warning', info: 'Info' },
  kinds: {
    firing: '',
    escalated: 'escalated: nobody acknowledged',
    resolved: 'resolved',
    test: 'test',
  },
  all: 'all subscriptions',
  hub: 'machines that run the hub',
  fromTo: {
    since: 'since',
    until: 'until',
    cause: 'mostly',
    why: 'as',
    whose: 'of which',
    vouchers: 'vouchers',
    threshold: 'threshold',
  },
  advice: 'What to do: ',
  open: 'See in GraphiQL what fires',
  heading: (severity, kind, title) => `${severity}${kind === '' ? '' : `, ${kind}`}: ${title}`,
  more: count => `and ${count} more`,
  over: count => `${count} resolved`,
  minutes: minutes => `${minutes} min`,
  duration: seconds =>
    seconds < 60
      ? `${Math.round(seconds)} s`
      : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`,
  colon: ': ',
  comma: ', ',
  listComma: ', ',
  semicolon: '; ',
  inParentheses: text => ` (${text})`,
};
