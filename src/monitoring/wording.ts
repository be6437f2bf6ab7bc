import type { Why } from './alert-details.ts';
import type { Language } from './alert-settings.ts';
import type { NoticeKind } from './notices.ts';
import type { AlertSeverity, RuleName } from './rules.ts';

/** What a rule is called, what its value is, and what to do when it fires. */
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
  /** What is over, beside what is not. */
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

const zh: Words = {
  rules: {
    success_rate: {
      title: '同步成功率过低',
      value: '成功率',
      advice: '查看失败原因：hub tail --status failed；目标恢复后执行 hub retry --subscription ID。',
    },
    latency: {
      title: '同步延迟过高',
      value: '平均延迟',
      advice: '检查目标系统的响应时间和订阅的并发、限速设置。',
    },
    failures: {
      title: '同步失败',
      value: '失败数',
      advice: '重试已用尽，需人工处理：排除原因后执行 hub retry --subscription ID。',
    },
    backlog: {
      title: '同步积压',
      value: '积压数',
      advice: '查看各订阅的状态：hub subscriptions list。',
    },
    retrying: {
      title: '大量同步正在重试',
      value: '重试数',
      advice: '目标系统不稳定；重试会自动进行，请检查目标系统。',
    },
    failures_in_row: {
      title: '连续同步失败',
      value: '连续失败数',
      advice: '该订阅的事件接连失败，请立即检查目标系统：hub subscriptions test ID。',
      attachedAdvice:
        '该订阅的事件接连失败，请查看消费者的日志：hub tail --subscription ID --status failed --verbose。',
    },
    consistency: {
      title: '数据一致性差异过多',
      value: '差异数',
      advice: '查看一致性报告，用 hub fix-data 修复。',
    },
    data_refused: {
      title: '目标系统拒收数据',
      value: '拒收数',
      advice: '数据不符合要求且不会重试：修正源数据或目标系统，再执行 hub retry --subscription ID。',
    },
    payload_query: {
      title: '订阅的 payloadQuery 无效',
      value: '失败数',
      advice:
        '修正查询（updateDataSubscription），再执行 hub retry --subscription ID --error PAYLOAD_QUERY_INVALID。',
    },
    gone: {
      title: '目标系统不再接收（410），订阅已暂停',
      value: '',
      advice: '事件均已保留；目标系统需要时执行 hub subscriptions resume ID。',
    },
    suspended: {
      title: '目标系统无法连接，订阅已挂起',
      value: '',
      advice: '事件均已保留，目标恢复后自动继续；hub subscriptions test ID 可查看现状。',
    },
    cannot_evaluate: {
      title: '告警规则无法评估',
      value: '',
      advice: '告警可能失灵：运行 hub doctor，并查看日志。',
    },
  },
  whys: {
    paused: { text: () => '已被人暂停', advice: '恢复投递：hub subscriptions resume ID。' },
    gone: {
      text: () => '目标系统回复 410，已暂停',
      advice: '目标系统重新需要事件时：hub subscriptions resume ID。',
    },
    suspended: {
      text: code => `目标系统无法连接，已挂起${code === null ? '' : `（${code}）`}`,
      advice: '目标恢复后自动继续；查看现状：hub subscriptions test ID。',
    },
    unattached: {
      text: () => '没有消费者连接',
      advice:
        '请让该系统的消费者重新连接；是否已连接见 hub subscriptions list，试连：hub listen --subscription ID。',
    },
    batch: { text: () => '夜间批次仍在投递', advice: '批次会自动投递完；若过慢，请检查目标系统。' },
    retrying: {
      text: code => `正在重试${code === null ? '' : `（${code}）`}`,
      advice: '重试会自动进行；查看目标系统的回复：hub tail --subscription ID --status retrying --verbose。',
    },
    recorded_late: {
      text: () => '事件发生很久后才入库',
      advice: '入库后投递正常，请检查发布方是否积压。',
    },
    slow: {
      text: () => '投递慢于产生',
      advice: '请检查目标系统的响应时间，以及订阅的并发和限速：hub subscriptions list --json。',
    },
  },
  severities: { critical: '严重', warning: '警告', info: '提示' },
  kinds: { firing: '', escalated: '无人确认，已升级', resolved: '已恢复', test: '测试' },
  all: '全部订阅',
  fromTo: {
    since: '始于',
    until: '恢复于',
    cause: '主要原因',
    why: '原因',
    whose: '其中',
    vouchers: '凭证',
    threshold: '阈值',
  },
  advice: '处理：',
  open: '在 GraphiQL 中查看当前告警',
  heading: (severity, kind, title) => `【${severity}${kind === '' ? '' : `·${kind}`}】${title}`,
  more: count => `另有 ${count} 项`,
  over: count => `${count} 项已恢复`,
  minutes: minutes => `持续 ${minutes} 分钟`,
  duration: seconds =>
    seconds < 60
      ? `${Math.round(seconds)} 秒`
      : `${Math.floor(seconds / 60)} 分 ${Math.round(seconds % 60)} 秒`,
  colon: '：',
  comma: '，',
  listComma: '、',
  semicolon: '；',
  inParentheses: text => `（${text}）`,
};

const en: Words = {
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

/** The words of each language. */
export const words: Readonly<Record<Language, Words>> = { zh, en };
