/** Every bound of the hub that is not a setting, with its unit and its reason. */
export const limits = {
  // ── Intake ──
  /** Vouchers in one `recordVouchers`: the contract's number. */
  recordBatch: 1_000,
  /** Vouchers that wait for a commit in one process; beyond it callers are told to come again. */
  intakeQueue: 20_000,
  /** Group commits under way at once: each holds a database connection. */
  intakeCommits: 3,
  /** Sets how long a call waits for company before its group commits, milliseconds. */
  intakeLingerMs: 2,
  /** Calls in one group commit: enough to make the commit cheap, few enough to keep it short. */
  intakeGroup: 32,
  /** Bytes of one voucher's business data in JSON. */
  businessDataBytes: 1_048_576,
  /** Nesting of business data: past it, parsers of consumers begin to fail. */
  businessDataDepth: 64,
  /** Steps (of some 10 ns) that an event type's schema may take to check one voucher, and those of one call together. */
  schemaSteps: 5_000_000,
  schemaCallSteps: 25_000_000,
  /** Sets how long checks by schemas go on before others have their turn, milliseconds. */
  schemaTurnMs: 20,
  /** Bytes of a schema, its patterns, and their characters and counted repeats together: it compiles in some 0.1 s. */
  schemaBytes: 65_536,
  schemaPatterns: 200,
  schemaPatternStates: 10_000,
  /** Characters of a short text field (system, module, id …); they stand in indexes. */
  shortText: 200,
  /** Characters of a long text field (summary, name of a counterparty …). */
  longText: 2_000,
  /** Digits of an amount before and after the point. */
  amountDigits: 30,
  amountDecimals: 10,
  /** Sets how far ahead of the hub's clock `occurredAt` may be, milliseconds. */
  occurredAheadMs: 24 * 3_600_000,

  // ── Subscriptions ──
  /** Subscriptions that are not deleted: the index of them lives in memory. */
  subscriptions: 10_000,
  /** Sets how many times as many as a system may have may be made for it in a day: deleted ones stay in the table. */
  subscriptionTurnover: 5,
  eventTypePatterns: 100,
  /** Event types, and API keys that are not revoked: their lists are read whole. */
  eventTypes: 1_000,
  apiKeys: 1_000,
  batchSize: 100,
  /** Bytes that the body of a request with several events may be bound to: a hundred of the largest events at most. */
  batchBytesMin: 1_024,
  batchBytesMax: 104_857_600,
  maxInFlight: 256,
  /** Shards of a subscription: each is a drain of its own, and looks through the others' backlog. */
  shards: 16,
  rateLimitPerSecond: 10_000,
  timeoutMinMs: 100,
  timeoutMaxMs: 120_000,
  /** An acknowledgement may take long (a person's import); an event is nobody else's meanwhile. Milliseconds. */
  ackTimeoutMaxMs: 3_600_000,
  maxRetries: 100,
  delayMaxMs: 86_400_000,
  /** A rotation's overlap, hours: the old secret signs no longer than a week. */
  overlapHours: 168,
  urlLength: 2_048,
  /** Bytes of a payload query's text. */
  payloadQueryBytes: 8_192,
  /** Times that a payload query may select the business data, which may be a megabyte. */
  payloadDataCopies: 2,
  /** Sets how long the in-memory index of subscriptions may stand unchecked, milliseconds (each commit checks it). */
  subscriptionCacheMs: 300_000,

  // ── Delivery ──
  /** Rows claimed ahead of the requests under way, so that no slot waits for the database. */
  claimAhead: 256,
  /** Sets how often a drain looks at its whole shard, and not only from where the last claim found something, milliseconds. */
  wholeShardMs: 1_000,
  /**
   * Due syncs that stand behind earlier ones of their records, and are passed over by a claim one by one (some 10 µs each),
   * before they are parked; how many of a shard's due syncs one statement looks at to park them.
   */
  parkAtLeast: 64,
  parkAtOnce: 1_024,
  /** Sets how long a shard where nothing was to be parked is not looked at again, milliseconds. */
  parkPauseMs: 1_000,
  /** Records with parked syncs that one turn of the reconciler looks at: some 30 ms. */
  parkedRecordsLooked: 2_000,
  /** A claim's lease by the database's clock, milliseconds; a drain renews it at a third. */
  leaseMs: 12_000,
  /** Events of a nightly batch that go out at once, and the pause after them, milliseconds: the users' numbers. */
  batchBurst: 100,
  batchPauseMs: 1_000,
  /** Outcomes written in one statement. */
  outcomeBatch: 256,
  /** Statements with outcomes under way at once. */
  outcomeStatements: 3,
  /** Sets how long an outcome may wait for company, milliseconds. */
  outcomeLingerMs: 5,
  /** The same behind a statement that is under way, and in a busy process: one of several has but its share of the outcomes. */
  outcomeLingerBehindMs: 20,
  outcomeLingerBusyMs: 50,
  /** Sets how long a drain stays on its empty shard for a notification, milliseconds. */
  drainLingerMs: 2_000,
  /** A retry due within this many milliseconds is waited for on the shard; a later one is the reconciler's. */
  drainAwaitRetryMs: 6_000,
  /** A drain hands its shard back after this many milliseconds, so that shards share the workers fairly. */
  drainTurnMs: 30_000,
  /** Drains that one worker process drains at once: each is a few promises while idle. */
  drainsPerWorker: 256,
  /** Wake-ups of one shard by one process are joined over this many milliseconds. */
  wakeJoinMs: 20,
  /**
   * Sets how often a worker asks whether its queue is there, and looks in the database for work while it is not,
   * milliseconds.
   */
  workerLookMs: 1_000,
  /**
   * Syncs of a backlog that one statement cancels, dates anew or queues again (some 0.1 s), and statements of each of these
   * in one turn of the reconciler.
   */
  backlogPart: 2_000,
  backlogTurns: 10,
  /** Waiting syncs that a change of what a subscription covers looks at to say what becomes of them: some 0.1 s. */
  uncoveredLooked: 10_000,
  /** Period of the reconciler, milliseconds: what was missed is found within it. */
  reconcileMs: 5_000,
  /** Statements in which one run of it takes back claims that ran out: 100,000 claims, which no worker makes in that time. */
  reclaimTurns: 200,
  /** Sets how often the planner's knowledge of the backlog is compared with its size, milliseconds. */
  backlogStatisticsMs: 5_000,
  /** Sets how often a scheduler looks what is due, and how often it asks about a run that is not over, milliseconds. */
  scheduleTickMs: 1_000,
  scheduleLookMs: 2_000,
  /** The lease of a scheduled run by the database's clock, milliseconds; renewed at a third. */
  scheduleLeaseMs: 10_000,
  /** A periodic schedule that is said to be done so far ahead was run by a wrong clock: not believed. Milliseconds. */
  scheduleAheadMs: 60_000,
  /** A suspended subscription is probed after this, doubling up to the next, milliseconds. */
  probeFirstMs: 5_000,
  probeMaxMs: 60_000,
  /** Events that may be unacknowledged at an attached consumer; each may have `businessDataBytes`. */
  prefetch: 500,
  /** Sync ids in one `acknowledge`. */
  acknowledgeBatch: 1_000,
  /** Sets how long a consumer counts as attached after its node was last heard of, milliseconds; renewed at a third. */
  attachmentLeaseMs: 15_000,
  attachmentPollMs: 5_000,
  /** Consumers of one process that are attached to one subscription, and by one key: each is a drain of its own. */
  attachmentsPerSubscription: 256,
  attachmentsPerKey: 2_048,
  /** Bytes of an answer that are read; the rest is not waited for. */
  answerBytes: 16_384,
  /** The same, more for each event of a batch: an answer by item has a message each. */
  answerItemBytes: 1_024,
  /** Bytes to which a compressed answer is expanded for its excerpt; a longer one is shown by its size. */
  expandedAnswerBytes: 65_536,
  /** Characters of an answer that the attempt keeps. */
  excerptChars: 500,
  /** Characters of the payload queries' texts that stay compiled: a compiled one takes up to a hundred times its text. */
  payloadQueriesKeptChars: 262_144,
  /** Characters of shaped payloads that are kept for other subscriptions of the same shape, and for retries. */
  payloadsKeptChars: 8 * 1_048_576,
  /** Sets how long an accepted answer's body is waited for after its headers, milliseconds. */
  answerGraceMs: 1_000,
  /** Connections kept to different targets in one process. */
  targetOrigins: 1_024,
  /** Sets how long a connection may take to come about, DNS and TLS included, milliseconds. */
  connectMs: 10_000,
  /** The next address of a host is tried beside one that has not answered after this, milliseconds: RFC 8305's figure. */
  nextAddressMs: 250,
  /** Addresses of one host that are tried: a name may have any number. */
  targetAddresses: 16,
  /** A connection takes no more requests after this, so that a name that moved is followed under steady load, milliseconds. */
  connectionLifeMs: 60_000,
  /** TCP asks the other side of a silent connection whether it is still there, first after this, milliseconds. */
  keepAliveProbeMs: 60_000,
  /** Bytes of the headers of an answer: proxies' cookies and policies take tens of thousands. */
  answerHeadBytes: 65_536,
  /** Sets how long the addresses of a target's host are used again, and how long it counts as not resolving, milliseconds. */
  lookupKeptMs: 5_000,
  lookupFailureKeptMs: 1_000,
  /**
   * Sets how often a process compares its clock with the database's, and how long its last word on that counts,
   * milliseconds.
   */
  clockEveryMs: 60_000,
  clockKnownMs: 180_000,
  /** Sets how far two clocks may be apart before one of them counts as off, or as set in between, milliseconds. */
  clockJumpMs: 1_000,
  /** An answer that took longer tells too little of the database's clock, milliseconds. */
  clockAnswerMs: 2_000,
  /** The longest `Retry-After` that is obeyed, milliseconds: the contract's ten minutes. */
  retryAfterMs: 600_000,
  /**
   * A target that asks for a pause without a date is held so long, doubling with each hold in vain up to the next,
   * milliseconds.
   */
  holdFirstMs: 1_000,
  holdMaxMs: 60_000,
  /** The shortest hold where the target names a date, milliseconds: `Retry-After: 0` must not be asked without end. */
  holdLeastMs: 100,
  /** A target that takes nothing between its pauses for so long is away: its subscription is suspended. Milliseconds. */
  heldMaxMs: 30 * 60_000,
  /** Pauses that cost one event no retry while others get through: beyond it, the event itself is the cause. */
  freePauses: 10,
  /** Different events in a row that a target answers with 5xx before it counts as away. */
  awayEvents: 10,
  /** Sets how long a stop waits for the acknowledgements of attached consumers before it closes their sockets, milliseconds. */
  quietMs: 3_000,
  /** Drains get this long to finish at a stop, milliseconds; with the sockets before it stays under `exitMs`. */
  stopMs: 20_000,
  /** A process that was told to stop ends after this, whatever is under way: leases then run out. Milliseconds. */
  exitMs: 29_000,

  /** Changed syncs that a watcher has not read yet, of which only the ids are kept. */
  watcherBacklog: 20_000,
  /** Changed syncs that a watcher reads in one statement. */
  watcherPage: 200,
  /** Rows of which a watcher remembers what it told last. */
  watcherRemembers: 1_000,

  // ── Log ──
  /** Bytes of log lines that wait while nobody reads them; further lines are dropped and counted. */
  logWaitingBytes: 1_048_576,
  /** Sets how long the end of a process waits for what it has written to be read, milliseconds. */
  outputEndMs: 1_000,

  // ── Database and queue ──
  /** Sets how long database and queue may take to say that they are there, milliseconds: a probe waits three seconds. */
  readyMs: 2_000,
  /** Sets how long a statement of the queue, or of the messages between nodes, may take, milliseconds; it takes some. */
  queueStatementMs: 10_000,
  /** Sets how far a replica may be behind and still answer analysts, and how often it is asked, milliseconds. */
  replicaLagMs: 10_000,
  replicaCheckMs: 2_000,
  // ── Alerts ──
  /** Sets how long a subscription may deliver nothing while something is due, before that is called trouble, milliseconds. */
  troubledAfterMs: 60_000,
  /** Period of evaluating the rules, milliseconds. */
  alertEveryMs: 15_000,
  /** Syncs that are counted of one shard: that many are too many whatever their number. */
  alertCount: 10_000,
  /** Sets how long before its recording an event may have occurred for its latency to count from then, milliseconds. */
  lateEntryMs: 3_600_000,
  /** Firing subscriptions whose vouchers are looked up at one evaluation, and their newest FAILED syncs that are looked at. */
  alertsExplained: 200,
  alertVouchers: 20,
  /** Failures in a row that are counted, and how far back, milliseconds. */
  failuresInRow: 100,
  failuresInRowMs: 7 * 86_400_000,
  /** Sets how long resolved alerts are kept, milliseconds, and how many are forgotten at an evaluation. */
  alertKeptMs: 400 * 86_400_000,
  alertsForgotten: 1_000,
  /** The longest silence, milliseconds: whoever forgets one is not left without alerts for ever. */
  silenceMaxMs: 31 * 86_400_000,
  silences: 1_000,
  /** Sets how long a message may take to be taken by a channel, milliseconds. */
  channelTimeoutMs: 15_000,
  /** Notices joined at once on one channel, and messages that they may become: providers count messages. */
  noticesJoined: 500,
  messagesAtOnce: 4,
  /** Alerts named in one message; of the others it says how many. */
  alertsNamed: 20,
  /** Attempts at a message: some two hours with the pauses below, doubling. Milliseconds. */
  noticeAttempts: 15,
  noticeRetryFirstMs: 15_000,
  noticeRetryMaxMs: 600_000,
  /** Bytes of a provider's answer that are read, and characters of it that an error quotes. */
  channelAnswerBytes: 16_384,
  channelAnswerChars: 200,

  // ── Consistency ──
  /** Events that one step folds into the tree: a short transaction. */
  foldBatch: 10_000,
  /** Period of folding, milliseconds: a check folds in the rest before it begins. */
  foldMs: 60_000,
  /** Sets how long a fold waits for recordings that are under way, while new ones wait for it, milliseconds. */
  foldLockMs: 1_000,
  /** Bytes of an answer to a consistency question. */
  consistencyAnswerBytes: 4 * 1_048_576,
  /** Prefixes in one question: an answer of some 300 KiB. */
  consistencyPrefixes: 4_096,
  /** Records asked for in one question: names are long at worst, and the answer must fit `consistencyAnswerBytes`. */
  consistencyEntries: 2_000,
  /** Says where a consumer holds so many records under a prefix, or fewer, they are listed: sixteen digests cost as much. */
  consistencyListed: 12,
  /** Bounds of one check: questions, bytes of bodies both ways, and time in milliseconds. */
  consistencyRequests: 10_000,
  consistencyBytes: 256 * 1_048_576,
  consistencyMs: 30 * 60_000,
  /** Sets how often one question is asked before the check is given up, and the pause in between, milliseconds. */
  consistencyTries: 3,
  consistencyPauseMs: 1_000,
  /** Records that are judged at once: one statement, and one question where they are asked for again. */
  consistencyPage: 1_000,
  /** Differences of one check, which are held in memory and kept; beyond it a resync is cheaper. */
  consistencyDifferences: 100_000,
  /** Differences above which a person decides, where they are more than the share that is set, too. */
  consistencyAlertAbove: 100,
  /** Sets how long a repair is waited for before it counts as not (yet) verified, milliseconds. */
  repairWaitMs: 60_000,
  /** Sets how long the caller of a check waits for its end, milliseconds; later it is read by its report. */
  checkAnswerMs: 10_000,
  /** Sets how long the caller of a repair waits for its end, milliseconds: shorter than the command line waits. */
  fixAnswerMs: 80_000,
  /** Checks of a schedule that run at once. */
  checksAtOnce: 4,
  /** Checks of one subscription that people may begin in a day: each leaves a report for as long as logs are kept. */
  checksADay: 500,
  /** A check whose process was not heard of for so long is over, milliseconds; renewed at a third. */
  checkLeaseMs: 60_000,
  /** Items of a plan, and of what `fixData` gives back. */
  planItems: 10_000,
  /** Sets how often a node with attached consumers looks for questions that it was not told of, milliseconds. */
  questionPollMs: 1_000,

  // ── GraphQL ──
  /** Bytes of a request over HTTP: a thousand vouchers of some 8 KiB. */
  requestBytes: 8 * 1_048_576,
  /** Connections of callers to one process: their buffers and the file descriptors that it may open. */
  connections: 4_096,
  /** Holds those that have shown no key, in all and of one address: room for all consumers of a hub that restarts. */
  connectionsUnkeyed: 2_048,
  connectionsUnkeyedPerAddress: 1_024,
  /** Connections that are left for those without a key however many have shown one: health checks, newcomers. */
  connectionsUnkeyedLeast: 512,
  /** Connections of one key that are kept: its sockets, and as many for requests. */
  connectionsPerKey: 2_048,
  /** Connections to the port of `/metrics`, where there is one. */
  metricsConnections: 64,
  /** Sets how long a request's head and a whole request may take to arrive, milliseconds, and how often that is looked at. */
  requestHeadMs: 8_000,
  requestArrivalMs: 30_000,
  requestLookMs: 1_000,
  /** Bytes of request bodies that a process holds at once, in all and of one key; parsed they take several times that. */
  bodiesBytes: 64 * 1_048_576,
  bodiesBytesPerKey: 32 * 1_048_576,
  /** Bytes up to which a body needs no room of its own: as many as there are connections, they take 64 MiB. */
  bodySmallBytes: 16_384,
  /** Sets how long a body may wait for room before its caller is told to come again, milliseconds. */
  bodyWaitMs: 10_000,
  /** Wrong keys of an address whose answers are not held back, each minute: people mistype, programs are set up wrong. */
  wrongKeysFree: 5,
  /** By how much the answer to each further one waits longer, and the longest that it waits, milliseconds. */
  wrongKeyStepMs: 100,
  wrongKeyDelayMs: 2_000,
  /** Answers to wrong keys that wait at once, in all and for one address: each is a request in memory. */
  wrongKeysHeld: 1_024,
  wrongKeysHeldPerAddress: 64,
  /** Addresses of wrong keys that are remembered, and lines about them, a minute. */
  wrongKeyAddresses: 4_096,
  wrongKeyLines: 100,
  /** Sets how often the log tells the same thing of one address at most, milliseconds. */
  doorLogMs: 60_000,
  /** Bytes of one message over a socket, and the most frames and pieces that it may come in. */
  socketMessageBytes: 65_536,
  socketFragments: 256,
  socketChunks: 1_024,
  /** Operations at once on a socket: a consumer may acknowledge each event of its window by itself. */
  socketOperations: 600,
  /** Open sockets of one key in one process: a client that leaks them must not take them all. */
  socketsPerKey: 1_024,
  /** Sets how long a client may take to say who it is, milliseconds. */
  socketInitMs: 3_000,
  /** Period of looking after the open sockets (keys, pings, readers), milliseconds. */
  socketSweepMs: 500,
  /** Each socket is pinged this often, and one that was not heard before the next ping is gone. Milliseconds. */
  socketPingMs: 10_000,
  /** Holds what may wait for a client to read it: bytes, and messages, whose cost in memory is not in their bytes. */
  socketBufferedBytes: 8 * 1_048_576,
  socketBufferedMessages: 1_024,
  /** A client for which something waits and that reads nothing for so long is dropped, milliseconds. */
  socketStallMs: 30_000,
  /** Sets how long a closing handshake may take before the connection is cut, milliseconds. */
  socketCloseMs: 3_000,
  tokens: 4_000,
  /** Characters of an operation's text: checks compare and print what stands in it. Large values go as variables. */
  documentChars: 65_536,
  /** Items in all the lists of an operation's variables: twice the longest plan. */
  inputItems: 20_000,
  depth: 12,
  /** Selections within one another, fragments among them: checks and runs go into them by recursion. */
  nesting: 40,
  aliases: 30,
  directives: 50,
  /** Cost of an operation: fields, multiplied by the length of the lists they stand in. */
  cost: 50_000,
  /** Fields of an answer, as its lists turn out: 10,000 differences or subscriptions, as the command line asks for them. */
  answerFields: 200_000,
  /** Characters of an answer's texts and data: twice a request. */
  answerChars: 16 * 1_048_576,
  /** Rows that an operation reads for lists within lists: some 1 KiB each. */
  answerRows: 20_000,
  /** Fields that answers get in one turn of the event loop: some 10 to 50 ms; then others have theirs. */
  turnFields: 4_000,
  /** Nodes of introspection that are taken, as a share of what the standard introspection query has. */
  introspectionShare: 1.5,
  /** Errors, and warnings, of one answer that are told; each says where it is. */
  toldErrors: 100,
  /** Characters of an error's message. */
  toldChars: 1_000,
  pageSize: 500,
  /** Records in one `voucherVersions`. */
  versionRefs: 1_000,
  /** Ids that one statement of a loader asks for. */
  loaderBatch: 1_000,
  /** Nodes of a nested list (a voucher's events, a sync's attempts). */
  nestedList: 1_000,
  /** Sets how long a key's check may be remembered, milliseconds: with `socketSweepMs` a revoked key is out within 5 s. */
  keyCacheMs: 3_500,
  keyCacheEntries: 10_000,
  /** Rows that one statement of a compensation looks at; it goes on until all are done. */
  compensationBatch: 5_000,
  /** Period of looking for compensations whose process has ended, milliseconds. */
  resumeRunsMs: 60_000,
  /** Sets how long a compensation counts as driven after its last statement, milliseconds: the longest that one may take. */
  compensationLeaseMs: 90_000,
  /** Compensations by hand of one target system that run at once: each walks through an index with a connection of its own. */
  compensationsAtOnce: 8,
  /** Compensations of one target system that are kept once they are over; more are forgotten, the oldest first. */
  compensationsKept: 1_000,
  /** Sets how often the hourly compensation tries one sync again; then it waits for a person. */
  compensationRounds: 3,

  // ── Retention ──
  /** Sets how often old months are looked for, milliseconds: one that was in use is tried again then. */
  retentionMs: 3_600_000,
  /** Sets how long dropping a month may wait for its table, and outcomes behind it, milliseconds. */
  dropLockMs: 250,

  // ── Metrics ──
  /** Sets how often what is over is counted, milliseconds: what came since is read from the log itself. */
  rollupMs: 5_000,
  /** Finished syncs that one statement counts: some 2 s. */
  rollupSyncs: 200_000,
  /** Sets how long counts are kept by the minute, and by the hour and day, milliseconds: a day's and a year's windows. */
  minutesKeptMs: 2 * 86_400_000,
  hoursKeptMs: 400 * 86_400_000,
  /**
   * The longest window of metrics, minutes: the contract's year. Up to the second it begins at its minute, beyond at
   * its hour.
   */
  metricWindow: 525_600,
  metricMinuteWindow: 1_440,
  /** Points of a timeline, and error codes that are told apart: consumers make up their own. */
  metricPoints: 120,
  metricErrorCodes: 100,
  /** Error codes that are told of what waits FAILED for one subscription. */
  subscriptionErrorCodes: 20,
  /** Waiting syncs that are counted, and of which the amounts are added up: some 0.2 s and 0.5 s. */
  metricBacklog: 1_000_000,
  lagSyncs: 100_000,
  /** Different metrics that one process watches at once; each is computed once, however many watch it. */
  metricWatches: 100,
  /** The longest period of `syncMetricsChanged`, seconds. */
  metricEverySeconds: 3_600,
  /** Subscriptions with series of their own in /metrics; the rest is summed as `other`. */
  meteredSubscriptions: 200,
  /** Sets how old what /metrics reads from the database may be, milliseconds. */
  meterReadMs: 15_000,

  // ── Traces ──
  /** Spans that one span may have in it as PostgreSQL's statements and the like, and spans that one may lead to. */
  spanChildren: 64,
  spanLinks: 128,
  /** Characters of a text in a span. */
  spanTextChars: 200,
  /** Sets how long an export may take where no setting says so, and how long a stop waits for the last one, milliseconds. */
  spanFlushMs: 3_000,
  /** Sets how often it is told that spans could not be exported, milliseconds. */
  spanFaultEveryMs: 60_000,
  /** Mutations that one wake-up of shards is for, as far as traces tell. */
  spanWakers: 32,

  // ── Audit ──
  /** Sets how often attempts are sealed, milliseconds: each turn writes a row for each subscription that has some. */
  sealMs: 60_000,
  /** Attempts in one statement of sealing: some 5 MB with their excerpts. */
  sealAttempts: 5_000,
  /** Turns of sealing that one page of a verification compares: up to 100,000 attempts, about a second. */
  auditTurns: 20,
  /** Attempts without a seal are counted up to this. */
  auditUnsealed: 100_000,
} as const;
