import type { Words } from './wording.ts';

/** Messages in Chinese. */
export const zh: Words = {
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
    clock_skewed: {
      title: 'hub 服务器时钟与数据库不一致',
      value: '相差',
      advice: '签名时间戳已按数据库时间修正；请检查该服务器和数据库的 NTP，用 hub doctor 核对。',
    },
    database_restored: {
      title: '数据库是较早的副本（恢复了备份或切换到备机），部分数据可能缺失',
      value: '可能缺失的时段',
      advice:
        '编号已全部前移，不会重复发放。请每个源系统重发该时段内记录的全部凭证（重复提交不会重复记录），再对每个订阅执行 hub check --subscription ID 核对；全部补齐后执行 hub restored --done。',
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
  hub: '运行 hub 的服务器',
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
