/* eslint-disable */
import * as types from './graphql.ts';



/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "\n  query ListAlerts($state: AlertState, $first: Int) {\n    alerts(state: $state, first: $first) {\n      id rule severity state message value threshold cause vouchers { sourceId voucherNo } firedAt resolvedAt acknowledgedAt acknowledgedBy\n      subscription { id name targetSystem }\n      notifications { channel kind status attempts sentAt error }\n    }\n  }\n": typeof types.ListAlertsDocument,
    "\n  mutation AcknowledgeAlert($id: ID!) { acknowledgeAlert(id: $id) { id rule severity message acknowledgedAt acknowledgedBy } }\n": typeof types.AcknowledgeAlertDocument,
    "\n  mutation TestAlertChannel($channel: String!) { testAlertChannel(channel: $channel) { ok error latencyMs } }\n": typeof types.TestAlertChannelDocument,
    "\n  mutation SilenceAlerts($until: DateTime!, $reason: String!, $rule: String, $subscriptionId: ID) {\n    silenceAlerts(until: $until, reason: $reason, rule: $rule, subscriptionId: $subscriptionId) {\n      id rule subscriptionId until reason createdBy createdAt\n    }\n  }\n": typeof types.SilenceAlertsDocument,
    "\n  mutation EndAlertSilence($id: ID!) { endAlertSilence(id: $id) { id rule subscriptionId until } }\n": typeof types.EndAlertSilenceDocument,
    "\n  query ListAlertSilences { alertSilences { id rule subscriptionId until reason createdBy createdAt } }\n": typeof types.ListAlertSilencesDocument,
    "\n  query AuditSeal($subscriptionId: ID!, $number: ID!) { auditSeal(subscriptionId: $subscriptionId, number: $number) { hash } }\n": typeof types.AuditSealDocument,
    "\n  query AuditVerification($subscriptionId: ID, $from: DateTime, $to: DateTime, $after: String) {\n    auditVerification(subscriptionId: $subscriptionId, from: $from, to: $to, after: $after) {\n      seals attempts droppedSeals next unsealed\n      firstBreak { subscriptionId seal sealedAt afterAttemptId lastAttemptId what }\n      lastSeal { subscriptionId number hash }\n    }\n  }\n": typeof types.AuditVerificationDocument,
    "\n  query ListPayloadQueries { dataSubscriptions { id name targetSystem payloadQuery } }\n": typeof types.ListPayloadQueriesDocument,
    "\n  fragment CheckReport on ConsistencyReport {\n    id state from to autoFix checked requests bytesExchanged differenceCount repairedCount errorMessage startedAt completedAt\n    subscription { id name targetSystem }\n    differences(first: 1000) {\n      kind sourceSystem sourceModule sourceId expectedVersion expectedDigest actualVersion actualDigest repaired\n      subscription { id }\n    }\n  }\n": typeof types.CheckReportFragmentDoc,
    "\n  mutation RunCheck($input: ConsistencyCheckInput!) { runConsistencyCheck(input: $input) { ...CheckReport } }\n": typeof types.RunCheckDocument,
    "\n  query ReadReport($id: ID!) { consistencyReport(id: $id) { ...CheckReport } }\n": typeof types.ReadReportDocument,
    "\n  query DemoSyncs($subscriptionId: ID!) {\n    dataSubscription(id: $subscriptionId) { state backlog }\n    syncLogs(filter: { subscriptionId: $subscriptionId }, first: 100) {\n      edges {\n        node {\n          id status latencyMs errorCode retryCount\n          attempts { errorCode statusCode responseExcerpt }\n          event { sourceVersion voucher { sourceId } }\n        }\n      }\n    }\n  }\n": typeof types.DemoSyncsDocument,
    "\n  mutation DemoRecord($input: RecordVoucherInput!) {\n    recordVoucher(input: $input) { outcome voucher { voucherNo sourceVersion } }\n  }\n": typeof types.DemoRecordDocument,
    "\n  mutation DemoCancel($ids: [ID!]!) { cancelSyncs(filter: { ids: $ids }) }\n": typeof types.DemoCancelDocument,
    "\n  query DoctorFailures($id: ID!) { dataSubscription(id: $id) { failedByErrorCode { errorCode count } } }\n": typeof types.DoctorFailuresDocument,
    "\n  query DoctorAlerts { alerts(state: FIRING, first: 20) { id severity message cause firedAt } }\n": typeof types.DoctorAlertsDocument,
    "\n  query DoctorTargets {\n    dataSubscriptions {\n      id name targetSystem state backlog webhookUrl connected unattachedSince failedCount troubledSince\n      lastQuarterHour { succeeded failed }\n    }\n  }\n": typeof types.DoctorTargetsDocument,
    "\n  query DoctorRestores { databaseRestores { noticedAt missingSince reason settledAt } }\n": typeof types.DoctorRestoresDocument,
    "\n  query ExportSyncs($filter: SyncLogFilter!, $first: Int!, $after: String) {\n    syncLogs(filter: $filter, first: $first, after: $after) {\n      pageInfo { hasNextPage endCursor }\n      edges { node {\n        id mode status transport retryCount errorCode errorMessage createdAt syncStartedAt syncCompletedAt nextAttemptAt\n        subscription { id name targetSystem }\n        event { id eventType sourceVersion voucher {\n          id voucherNo voucherDate sourceSystem sourceModule sourceType sourceId sourceReferenceNo\n          companyId counterpartyType counterpartyId counterpartyName direction amount currency summary\n        } }\n      } }\n    }\n  }\n": typeof types.ExportSyncsDocument,
    "\n  query ExportCount($filter: SyncLogFilter!) { syncLogs(filter: $filter, first: 0) { totalCount } }\n": typeof types.ExportCountDocument,
    "\n  query ExportSubscription($id: ID!, $filter: SyncLogFilter!) {\n    dataSubscription(id: $id) { id }\n    syncLogs(filter: $filter, first: 1) { edges { node { id } } }\n  }\n": typeof types.ExportSubscriptionDocument,
    "\n  query ExportVouchers($filter: VoucherFilter!, $first: Int!, $after: String) {\n    vouchers(filter: $filter, first: $first, after: $after) {\n      pageInfo { hasNextPage endCursor }\n      edges { node {\n        id voucherNo voucherDate sourceSystem sourceModule sourceType sourceId sourceReferenceNo sourceVersion companyId\n        counterpartyType counterpartyId counterpartyName direction amount currency summary status createdBy createdAt updatedAt\n      } }\n    }\n  }\n": typeof types.ExportVouchersDocument,
    "\n  query ExportVouchersCount($filter: VoucherFilter!) { vouchers(filter: $filter, first: 0) { totalCount } }\n": typeof types.ExportVouchersCountDocument,
    "\n  fragment Fixed on FixDataResult {\n    dryRun found fixed\n    differences {\n      kind sourceSystem sourceModule sourceId expectedVersion expectedDigest actualVersion actualDigest repaired\n      subscription { id name targetSystem }\n    }\n    reports { ...FixReport }\n    notCompared { reason subscription { id name targetSystem } }\n  }\n": typeof types.FixedFragmentDoc,
    "\n  fragment FixReport on ConsistencyReport {\n    id state checked requests bytesExchanged differenceCount repairedCount errorMessage\n    subscription { id name targetSystem }\n  }\n": typeof types.FixReportFragmentDoc,
    "\n  query ReadFixReport($id: ID!) { consistencyReport(id: $id) { ...FixReport } }\n": typeof types.ReadFixReportDocument,
    "\n  query ReadFixDifferences($id: ID!, $first: Int!) {\n    consistencyReport(id: $id) {\n      differences(first: $first) {\n        kind sourceSystem sourceModule sourceId expectedVersion expectedDigest actualVersion actualDigest repaired\n        subscription { id name targetSystem }\n      }\n    }\n  }\n": typeof types.ReadFixDifferencesDocument,
    "\n  mutation FixData($date: Date!, $subscriptionId: ID, $dryRun: Boolean!) {\n    fixData(date: $date, subscriptionId: $subscriptionId, dryRun: $dryRun, wait: false) { ...Fixed }\n  }\n": typeof types.FixDataDocument,
    "\n  mutation ApplyFixPlan($items: [FixPlanItemInput!]!) { applyFixPlan(items: $items, wait: false) { ...Fixed } }\n": typeof types.ApplyFixPlanDocument,
    "query ImportGreeting { __typename }": typeof types.ImportGreetingDocument,
    "\n  mutation ImportVouchers($inputs: [RecordVoucherInput!]!) {\n    recordVouchers(inputs: $inputs) {\n      index\n      result { outcome }\n      error { code message field }\n    }\n  }\n": typeof types.ImportVouchersDocument,
    "\n  query ListKeys { apiKeys { id name role system createdAt lastUsedAt revokedAt } }\n": typeof types.ListKeysDocument,
    "\n  mutation CreateKey($name: String!, $role: Role!, $system: String) {\n    createApiKey(name: $name, role: $role, system: $system) { secret apiKey { id name role system createdAt } }\n  }\n": typeof types.CreateKeyDocument,
    "\n  mutation RevokeKey($id: ID!) { revokeApiKey(id: $id) { id name role system revokedAt } }\n": typeof types.RevokeKeyDocument,
    "\n  query ListenSubscription($id: ID!) {\n    dataSubscription(id: $id) {\n      id name targetSystem state webhookUrl batchSize batchMaxBytes timeoutMs ackTimeoutMs payloadQuery\n      retry { maxRetries baseDelayMs maxDelayMs jitter }\n    }\n  }\n": typeof types.ListenSubscriptionDocument,
    "\n  subscription ListenDeliveries($subscriptionId: ID!, $prefetch: Int!) {\n    deliveries(subscriptionId: $subscriptionId, prefetch: $prefetch) {\n      syncId attempt mode\n      event {\n        id eventType data occurredAt recordedAt\n        voucher {\n          id voucherNo voucherDate sourceSystem sourceModule sourceType sourceId sourceReferenceNo sourceVersion\n          companyId counterpartyType counterpartyId counterpartyName direction amount currency summary status digest\n        }\n      }\n    }\n  }\n": typeof types.ListenDeliveriesDocument,
    "\n  query ListenAttached($id: ID!) { dataSubscription(id: $id) { connected } }\n": typeof types.ListenAttachedDocument,
    "\n  mutation ListenAcknowledge($syncIds: [ID!]!) { acknowledge(syncIds: $syncIds) }\n": typeof types.ListenAcknowledgeDocument,
    "\n  mutation ListenReject($syncId: ID!, $code: String!, $message: String!, $retryable: Boolean!) {\n    reject(syncId: $syncId, code: $code, message: $message, retryable: $retryable) { id status subscription { id } }\n  }\n": typeof types.ListenRejectDocument,
    "\n  mutation NoteDatabaseRestore($missingSince: DateTime) {\n    noteDatabaseRestore(missingSince: $missingSince) { noticedAt missingSince reason settledAt }\n  }\n": typeof types.NoteDatabaseRestoreDocument,
    "\n  mutation SettleDatabaseRestores {\n    settleDatabaseRestores { noticedAt missingSince reason settledAt }\n  }\n": typeof types.SettleDatabaseRestoresDocument,
    "\n  query RetryRuns { compensationRuns(first: 10) { id kind state total lookedAt count errorMessage } }\n": typeof types.RetryRunsDocument,
    "\n  mutation RetrySyncs($filter: SyncLogFilter!) { retrySyncs(filter: $filter) }\n": typeof types.RetrySyncsDocument,
    "\n  mutation CreateSubscription($input: CreateDataSubscriptionInput!) {\n    createDataSubscription(input: $input) { secret subscription { id name targetSystem eventTypes state webhookUrl warnings } }\n  }\n": typeof types.CreateSubscriptionDocument,
    "\n  query SubscriptionToDelete($id: ID!) { dataSubscription(id: $id) { id name targetSystem backlog connected } }\n": typeof types.SubscriptionToDeleteDocument,
    "\n  mutation DeleteSubscription($id: ID!) { deleteDataSubscription(id: $id) }\n": typeof types.DeleteSubscriptionDocument,
    "query KnownSubscription($id: ID!) { dataSubscription(id: $id) { id } }": typeof types.KnownSubscriptionDocument,
    "\n  mutation RotateSecret($id: ID!, $overlapHours: Int!) {\n    rotateDataSubscriptionSecret(id: $id, overlapHours: $overlapHours) { secret warnings subscription { id name targetSystem } }\n  }\n": typeof types.RotateSecretDocument,
    "\n  query ListSubscriptions($targetSystem: String) {\n    dataSubscriptions(targetSystem: $targetSystem) {\n      id name targetSystem eventTypes sourceSystems companyIds mode batchCron state webhookUrl consistencyUrl autoFix batchSize batchMaxBytes maxInFlight shards rateLimitPerSecond timeoutMs ackTimeoutMs payloadQuery\n      retry { maxRetries baseDelayMs maxDelayMs jitter } backlog connected unattachedSince stateSince failedCount lastErrorCode troubledSince lastSuccessAt heldUntil createdAt updatedAt\n    }\n  }\n": typeof types.ListSubscriptionsDocument,
    "\n  mutation PauseSubscription($id: ID!) { pauseDataSubscription(id: $id) { id name targetSystem state backlog } }\n": typeof types.PauseSubscriptionDocument,
    "\n  mutation ResumeSubscription($id: ID!) { resumeDataSubscription(id: $id) { id name targetSystem state backlog } }\n": typeof types.ResumeSubscriptionDocument,
    "\n  mutation TestSubscription($id: ID!) { testDataSubscription(id: $id) { ok statusCode latencyMs errorCode errorMessage } }\n": typeof types.TestSubscriptionDocument,
    "\n  query RetryOfSubscription($id: ID!) {\n    dataSubscription(id: $id) { retry { maxRetries baseDelayMs maxDelayMs jitter } }\n  }\n": typeof types.RetryOfSubscriptionDocument,
    "\n  mutation UpdateSubscription($id: ID!, $input: UpdateDataSubscriptionInput!) {\n    updateDataSubscription(id: $id, input: $input) {\n      id name targetSystem eventTypes sourceSystems companyIds mode batchCron state webhookUrl consistencyUrl autoFix batchSize batchMaxBytes maxInFlight shards rateLimitPerSecond\n      timeoutMs ackTimeoutMs payloadQuery retry { maxRetries baseDelayMs maxDelayMs jitter } backlog warnings\n    }\n  }\n": typeof types.UpdateSubscriptionDocument,
    "query TailGreeting { __typename }": typeof types.TailGreetingDocument,
    "\n  subscription TailChanges($filter: SyncLogFilter!) { syncLogChanged(filter: $filter) { id } }\n": typeof types.TailChangesDocument,
    "\n  query TailSyncs($filter: SyncLogFilter!, $first: Int!, $after: String) {\n    syncLogs(filter: $filter, first: $first, after: $after) {\n      pageInfo { hasNextPage endCursor }\n      edges {\n        node {\n          id mode status transport retryCount nextAttemptAt errorCode errorMessage\n          createdAt syncStartedAt syncCompletedAt latencyMs\n          subscription { id name targetSystem }\n          event { id eventType sourceVersion voucher { id sourceSystem sourceModule sourceId } }\n          attempts { number startedAt durationMs statusCode errorCode responseExcerpt }\n        }\n      }\n    }\n  }\n": typeof types.TailSyncsDocument,
};
const documents: Documents = {
    "\n  query ListAlerts($state: AlertState, $first: Int) {\n    alerts(state: $state, first: $first) {\n      id rule severity state message value threshold cause vouchers { sourceId voucherNo } firedAt resolvedAt acknowledgedAt acknowledgedBy\n      subscription { id name targetSystem }\n      notifications { channel kind status attempts sentAt error }\n    }\n  }\n": types.ListAlertsDocument,
    "\n  mutation AcknowledgeAlert($id: ID!) { acknowledgeAlert(id: $id) { id rule severity message acknowledgedAt acknowledgedBy } }\n": types.AcknowledgeAlertDocument,
    "\n  mutation TestAlertChannel($channel: String!) { testAlertChannel(channel: $channel) { ok error latencyMs } }\n": types.TestAlertChannelDocument,
    "\n  mutation SilenceAlerts($until: DateTime!, $reason: String!, $rule: String, $subscriptionId: ID) {\n    silenceAlerts(until: $until, reason: $reason, rule: $rule, subscriptionId: $subscriptionId) {\n      id rule subscriptionId until reason createdBy createdAt\n    }\n  }\n": types.SilenceAlertsDocument,
    "\n  mutation EndAlertSilence($id: ID!) { endAlertSilence(id: $id) { id rule subscriptionId until } }\n": types.EndAlertSilenceDocument,
    "\n  query ListAlertSilences { alertSilences { id rule subscriptionId until reason createdBy createdAt } }\n": types.ListAlertSilencesDocument,
    "\n  query AuditSeal($subscriptionId: ID!, $number: ID!) { auditSeal(subscriptionId: $subscriptionId, number: $number) { hash } }\n": types.AuditSealDocument,
    "\n  query AuditVerification($subscriptionId: ID, $from: DateTime, $to: DateTime, $after: String) {\n    auditVerification(subscriptionId: $subscriptionId, from: $from, to: $to, after: $after) {\n      seals attempts droppedSeals next unsealed\n      firstBreak { subscriptionId seal sealedAt afterAttemptId lastAttemptId what }\n      lastSeal { subscriptionId number hash }\n    }\n  }\n": types.AuditVerificationDocument,
    "\n  query ListPayloadQueries { dataSubscriptions { id name targetSystem payloadQuery } }\n": types.ListPayloadQueriesDocument,
    "\n  fragment CheckReport on ConsistencyReport {\n    id state from to autoFix checked requests bytesExchanged differenceCount repairedCount errorMessage startedAt completedAt\n    subscription { id name targetSystem }\n    differences(first: 1000) {\n      kind sourceSystem sourceModule sourceId expectedVersion expectedDigest actualVersion actualDigest repaired\n      subscription { id }\n    }\n  }\n": types.CheckReportFragmentDoc,
    "\n  mutation RunCheck($input: ConsistencyCheckInput!) { runConsistencyCheck(input: $input) { ...CheckReport } }\n": types.RunCheckDocument,
    "\n  query ReadReport($id: ID!) { consistencyReport(id: $id) { ...CheckReport } }\n": types.ReadReportDocument,
    "\n  query DemoSyncs($subscriptionId: ID!) {\n    dataSubscription(id: $subscriptionId) { state backlog }\n    syncLogs(filter: { subscriptionId: $subscriptionId }, first: 100) {\n      edges {\n        node {\n          id status latencyMs errorCode retryCount\n          attempts { errorCode statusCode responseExcerpt }\n          event { sourceVersion voucher { sourceId } }\n        }\n      }\n    }\n  }\n": types.DemoSyncsDocument,
    "\n  mutation DemoRecord($input: RecordVoucherInput!) {\n    recordVoucher(input: $input) { outcome voucher { voucherNo sourceVersion } }\n  }\n": types.DemoRecordDocument,
    "\n  mutation DemoCancel($ids: [ID!]!) { cancelSyncs(filter: { ids: $ids }) }\n": types.DemoCancelDocument,
    "\n  query DoctorFailures($id: ID!) { dataSubscription(id: $id) { failedByErrorCode { errorCode count } } }\n": types.DoctorFailuresDocument,
    "\n  query DoctorAlerts { alerts(state: FIRING, first: 20) { id severity message cause firedAt } }\n": types.DoctorAlertsDocument,
    "\n  query DoctorTargets {\n    dataSubscriptions {\n      id name targetSystem state backlog webhookUrl connected unattachedSince failedCount troubledSince\n      lastQuarterHour { succeeded failed }\n    }\n  }\n": types.DoctorTargetsDocument,
    "\n  query DoctorRestores { databaseRestores { noticedAt missingSince reason settledAt } }\n": types.DoctorRestoresDocument,
    "\n  query ExportSyncs($filter: SyncLogFilter!, $first: Int!, $after: String) {\n    syncLogs(filter: $filter, first: $first, after: $after) {\n      pageInfo { hasNextPage endCursor }\n      edges { node {\n        id mode status transport retryCount errorCode errorMessage createdAt syncStartedAt syncCompletedAt nextAttemptAt\n        subscription { id name targetSystem }\n        event { id eventType sourceVersion voucher {\n          id voucherNo voucherDate sourceSystem sourceModule sourceType sourceId sourceReferenceNo\n          companyId counterpartyType counterpartyId counterpartyName direction amount currency summary\n        } }\n      } }\n    }\n  }\n": types.ExportSyncsDocument,
    "\n  query ExportCount($filter: SyncLogFilter!) { syncLogs(filter: $filter, first: 0) { totalCount } }\n": types.ExportCountDocument,
    "\n  query ExportSubscription($id: ID!, $filter: SyncLogFilter!) {\n    dataSubscription(id: $id) { id }\n    syncLogs(filter: $filter, first: 1) { edges { node { id } } }\n  }\n": types.ExportSubscriptionDocument,
    "\n  query ExportVouchers($filter: VoucherFilter!, $first: Int!, $after: String) {\n    vouchers(filter: $filter, first: $first, after: $after) {\n      pageInfo { hasNextPage endCursor }\n      edges { node {\n        id voucherNo voucherDate sourceSystem sourceModule sourceType sourceId sourceReferenceNo sourceVersion companyId\n        counterpartyType counterpartyId counterpartyName direction amount currency summary status createdBy createdAt updatedAt\n      } }\n    }\n  }\n": types.ExportVouchersDocument,
    "\n  query ExportVouchersCount($filter: VoucherFilter!) { vouchers(filter: $filter, first: 0) { totalCount } }\n": types.ExportVouchersCountDocument,
    "\n  fragment Fixed on FixDataResult {\n    dryRun found fixed\n    differences {\n      kind sourceSystem sourceModule sourceId expectedVersion expectedDigest actualVersion actualDigest repaired\n      subscription { id name targetSystem }\n    }\n    reports { ...FixReport }\n    notCompared { reason subscription { id name targetSystem } }\n  }\n": types.FixedFragmentDoc,
    "\n  fragment FixReport on ConsistencyReport {\n    id state checked requests bytesExchanged differenceCount repairedCount errorMessage\n    subscription { id name targetSystem }\n  }\n": types.FixReportFragmentDoc,
    "\n  query ReadFixReport($id: ID!) { consistencyReport(id: $id) { ...FixReport } }\n": types.ReadFixReportDocument,
    "\n  query ReadFixDifferences($id: ID!, $first: Int!) {\n    consistencyReport(id: $id) {\n      differences(first: $first) {\n        kind sourceSystem sourceModule sourceId expectedVersion expectedDigest actualVersion actualDigest repaired\n        subscription { id name targetSystem }\n      }\n    }\n  }\n": types.ReadFixDifferencesDocument,
    "\n  mutation FixData($date: Date!, $subscriptionId: ID, $dryRun: Boolean!) {\n    fixData(date: $date, subscriptionId: $subscriptionId, dryRun: $dryRun, wait: false) { ...Fixed }\n  }\n": types.FixDataDocument,
    "\n  mutation ApplyFixPlan($items: [FixPlanItemInput!]!) { applyFixPlan(items: $items, wait: false) { ...Fixed } }\n": types.ApplyFixPlanDocument,
    "query ImportGreeting { __typename }": types.ImportGreetingDocument,
    "\n  mutation ImportVouchers($inputs: [RecordVoucherInput!]!) {\n    recordVouchers(inputs: $inputs) {\n      index\n      result { outcome }\n      error { code message field }\n    }\n  }\n": types.ImportVouchersDocument,
    "\n  query ListKeys { apiKeys { id name role system createdAt lastUsedAt revokedAt } }\n": types.ListKeysDocument,
    "\n  mutation CreateKey($name: String!, $role: Role!, $system: String) {\n    createApiKey(name: $name, role: $role, system: $system) { secret apiKey { id name role system createdAt } }\n  }\n": types.CreateKeyDocument,
    "\n  mutation RevokeKey($id: ID!) { revokeApiKey(id: $id) { id name role system revokedAt } }\n": types.RevokeKeyDocument,
    "\n  query ListenSubscription($id: ID!) {\n    dataSubscription(id: $id) {\n      id name targetSystem state webhookUrl batchSize batchMaxBytes timeoutMs ackTimeoutMs payloadQuery\n      retry { maxRetries baseDelayMs maxDelayMs jitter }\n    }\n  }\n": types.ListenSubscriptionDocument,
    "\n  subscription ListenDeliveries($subscriptionId: ID!, $prefetch: Int!) {\n    deliveries(subscriptionId: $subscriptionId, prefetch: $prefetch) {\n      syncId attempt mode\n      event {\n        id eventType data occurredAt recordedAt\n        voucher {\n          id voucherNo voucherDate sourceSystem sourceModule sourceType sourceId sourceReferenceNo sourceVersion\n          companyId counterpartyType counterpartyId counterpartyName direction amount currency summary status digest\n        }\n      }\n    }\n  }\n": types.ListenDeliveriesDocument,
    "\n  query ListenAttached($id: ID!) { dataSubscription(id: $id) { connected } }\n": types.ListenAttachedDocument,
    "\n  mutation ListenAcknowledge($syncIds: [ID!]!) { acknowledge(syncIds: $syncIds) }\n": types.ListenAcknowledgeDocument,
    "\n  mutation ListenReject($syncId: ID!, $code: String!, $message: String!, $retryable: Boolean!) {\n    reject(syncId: $syncId, code: $code, message: $message, retryable: $retryable) { id status subscription { id } }\n  }\n": types.ListenRejectDocument,
    "\n  mutation NoteDatabaseRestore($missingSince: DateTime) {\n    noteDatabaseRestore(missingSince: $missingSince) { noticedAt missingSince reason settledAt }\n  }\n": types.NoteDatabaseRestoreDocument,
    "\n  mutation SettleDatabaseRestores {\n    settleDatabaseRestores { noticedAt missingSince reason settledAt }\n  }\n": types.SettleDatabaseRestoresDocument,
    "\n  query RetryRuns { compensationRuns(first: 10) { id kind state total lookedAt count errorMessage } }\n": types.RetryRunsDocument,
    "\n  mutation RetrySyncs($filter: SyncLogFilter!) { retrySyncs(filter: $filter) }\n": types.RetrySyncsDocument,
    "\n  mutation CreateSubscription($input: CreateDataSubscriptionInput!) {\n    createDataSubscription(input: $input) { secret subscription { id name targetSystem eventTypes state webhookUrl warnings } }\n  }\n": types.CreateSubscriptionDocument,
    "\n  query SubscriptionToDelete($id: ID!) { dataSubscription(id: $id) { id name targetSystem backlog connected } }\n": types.SubscriptionToDeleteDocument,
    "\n  mutation DeleteSubscription($id: ID!) { deleteDataSubscription(id: $id) }\n": types.DeleteSubscriptionDocument,
    "query KnownSubscription($id: ID!) { dataSubscription(id: $id) { id } }": types.KnownSubscriptionDocument,
    "\n  mutation RotateSecret($id: ID!, $overlapHours: Int!) {\n    rotateDataSubscriptionSecret(id: $id, overlapHours: $overlapHours) { secret warnings subscription { id name targetSystem } }\n  }\n": types.RotateSecretDocument,
    "\n  query ListSubscriptions($targetSystem: String) {\n    dataSubscriptions(targetSystem: $targetSystem) {\n      id name targetSystem eventTypes sourceSystems companyIds mode batchCron state webhookUrl consistencyUrl autoFix batchSize batchMaxBytes maxInFlight shards rateLimitPerSecond timeoutMs ackTimeoutMs payloadQuery\n      retry { maxRetries baseDelayMs maxDelayMs jitter } backlog connected unattachedSince stateSince failedCount lastErrorCode troubledSince lastSuccessAt heldUntil createdAt updatedAt\n    }\n  }\n": types.ListSubscriptionsDocument,
    "\n  mutation PauseSubscription($id: ID!) { pauseDataSubscription(id: $id) { id name targetSystem state backlog } }\n": types.PauseSubscriptionDocument,
    "\n  mutation ResumeSubscription($id: ID!) { resumeDataSubscription(id: $id) { id name targetSystem state backlog } }\n": types.ResumeSubscriptionDocument,
    "\n  mutation TestSubscription($id: ID!) { testDataSubscription(id: $id) { ok statusCode latencyMs errorCode errorMessage } }\n": types.TestSubscriptionDocument,
    "\n  query RetryOfSubscription($id: ID!) {\n    dataSubscription(id: $id) { retry { maxRetries baseDelayMs maxDelayMs jitter } }\n  }\n": types.RetryOfSubscriptionDocument,
    "\n  mutation UpdateSubscription($id: ID!, $input: UpdateDataSubscriptionInput!) {\n    updateDataSubscription(id: $id, input: $input) {\n      id name targetSystem eventTypes sourceSystems companyIds mode batchCron state webhookUrl consistencyUrl autoFix batchSize batchMaxBytes maxInFlight shards rateLimitPerSecond\n      timeoutMs ackTimeoutMs payloadQuery retry { maxRetries baseDelayMs maxDelayMs jitter } backlog warnings\n    }\n  }\n": types.UpdateSubscriptionDocument,
    "query TailGreeting { __typename }": types.TailGreetingDocument,
    "\n  subscription TailChanges($filter: SyncLogFilter!) { syncLogChanged(filter: $filter) { id } }\n": types.TailChangesDocument,
    "\n  query TailSyncs($filter: SyncLogFilter!, $first: Int!, $after: String) {\n    syncLogs(filter: $filter, first: $first, after: $after) {\n      pageInfo { hasNextPage endCursor }\n      edges {\n        node {\n          id mode status transport retryCount nextAttemptAt errorCode errorMessage\n          createdAt syncStartedAt syncCompletedAt latencyMs\n          subscription { id name targetSystem }\n          event { id eventType sourceVersion voucher { id sourceSystem sourceModule sourceId } }\n          attempts { number startedAt durationMs statusCode errorCode responseExcerpt }\n        }\n      }\n    }\n  }\n": types.TailSyncsDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ListAlerts($state: AlertState, $first: Int) {\n    alerts(state: $state, first: $first) {\n      id rule severity state message value threshold cause vouchers { sourceId voucherNo } firedAt resolvedAt acknowledgedAt acknowledgedBy\n      subscription { id name targetSystem }\n      notifications { channel kind status attempts sentAt error }\n    }\n  }\n"): typeof import('./graphql.ts').ListAlertsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation AcknowledgeAlert($id: ID!) { acknowledgeAlert(id: $id) { id rule severity message acknowledgedAt acknowledgedBy } }\n"): typeof import('./graphql.ts').AcknowledgeAlertDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation TestAlertChannel($channel: String!) { testAlertChannel(channel: $channel) { ok error latencyMs } }\n"): typeof import('./graphql.ts').TestAlertChannelDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation SilenceAlerts($until: DateTime!, $reason: String!, $rule: String, $subscriptionId: ID) {\n    silenceAlerts(until: $until, reason: $reason, rule: $rule, subscriptionId: $subscriptionId) {\n      id rule subscriptionId until reason createdBy createdAt\n    }\n  }\n"): typeof import('./graphql.ts').SilenceAlertsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation EndAlertSilence($id: ID!) { endAlertSilence(id: $id) { id rule subscriptionId until } }\n"): typeof import('./graphql.ts').EndAlertSilenceDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ListAlertSilences { alertSilences { id rule subscriptionId until reason createdBy createdAt } }\n"): typeof import('./graphql.ts').ListAlertSilencesDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query AuditSeal($subscriptionId: ID!, $number: ID!) { auditSeal(subscriptionId: $subscriptionId, number: $number) { hash } }\n"): typeof import('./graphql.ts').AuditSealDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query AuditVerification($subscriptionId: ID, $from: DateTime, $to: DateTime, $after: String) {\n    auditVerification(subscriptionId: $subscriptionId, from: $from, to: $to, after: $after) {\n      seals attempts droppedSeals next unsealed\n      firstBreak { subscriptionId seal sealedAt afterAttemptId lastAttemptId what }\n      lastSeal { subscriptionId number hash }\n    }\n  }\n"): typeof import('./graphql.ts').AuditVerificationDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ListPayloadQueries { dataSubscriptions { id name targetSystem payloadQuery } }\n"): typeof import('./graphql.ts').ListPayloadQueriesDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment CheckReport on ConsistencyReport {\n    id state from to autoFix checked requests bytesExchanged differenceCount repairedCount errorMessage startedAt completedAt\n    subscription { id name targetSystem }\n    differences(first: 1000) {\n      kind sourceSystem sourceModule sourceId expectedVersion expectedDigest actualVersion actualDigest repaired\n      subscription { id }\n    }\n  }\n"): typeof import('./graphql.ts').CheckReportFragmentDoc;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation RunCheck($input: ConsistencyCheckInput!) { runConsistencyCheck(input: $input) { ...CheckReport } }\n"): typeof import('./graphql.ts').RunCheckDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ReadReport($id: ID!) { consistencyReport(id: $id) { ...CheckReport } }\n"): typeof import('./graphql.ts').ReadReportDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query DemoSyncs($subscriptionId: ID!) {\n    dataSubscription(id: $subscriptionId) { state backlog }\n    syncLogs(filter: { subscriptionId: $subscriptionId }, first: 100) {\n      edges {\n        node {\n          id status latencyMs errorCode retryCount\n          attempts { errorCode statusCode responseExcerpt }\n          event { sourceVersion voucher { sourceId } }\n        }\n      }\n    }\n  }\n"): typeof import('./graphql.ts').DemoSyncsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DemoRecord($input: RecordVoucherInput!) {\n    recordVoucher(input: $input) { outcome voucher { voucherNo sourceVersion } }\n  }\n"): typeof import('./graphql.ts').DemoRecordDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DemoCancel($ids: [ID!]!) { cancelSyncs(filter: { ids: $ids }) }\n"): typeof import('./graphql.ts').DemoCancelDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query DoctorFailures($id: ID!) { dataSubscription(id: $id) { failedByErrorCode { errorCode count } } }\n"): typeof import('./graphql.ts').DoctorFailuresDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query DoctorAlerts { alerts(state: FIRING, first: 20) { id severity message cause firedAt } }\n"): typeof import('./graphql.ts').DoctorAlertsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query DoctorTargets {\n    dataSubscriptions {\n      id name targetSystem state backlog webhookUrl connected unattachedSince failedCount troubledSince\n      lastQuarterHour { succeeded failed }\n    }\n  }\n"): typeof import('./graphql.ts').DoctorTargetsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query DoctorRestores { databaseRestores { noticedAt missingSince reason settledAt } }\n"): typeof import('./graphql.ts').DoctorRestoresDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ExportSyncs($filter: SyncLogFilter!, $first: Int!, $after: String) {\n    syncLogs(filter: $filter, first: $first, after: $after) {\n      pageInfo { hasNextPage endCursor }\n      edges { node {\n        id mode status transport retryCount errorCode errorMessage createdAt syncStartedAt syncCompletedAt nextAttemptAt\n        subscription { id name targetSystem }\n        event { id eventType sourceVersion voucher {\n          id voucherNo voucherDate sourceSystem sourceModule sourceType sourceId sourceReferenceNo\n          companyId counterpartyType counterpartyId counterpartyName direction amount currency summary\n        } }\n      } }\n    }\n  }\n"): typeof import('./graphql.ts').ExportSyncsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ExportCount($filter: SyncLogFilter!) { syncLogs(filter: $filter, first: 0) { totalCount } }\n"): typeof import('./graphql.ts').ExportCountDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ExportSubscription($id: ID!, $filter: SyncLogFilter!) {\n    dataSubscription(id: $id) { id }\n    syncLogs(filter: $filter, first: 1) { edges { node { id } } }\n  }\n"): typeof import('./graphql.ts').ExportSubscriptionDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ExportVouchers($filter: VoucherFilter!, $first: Int!, $after: String) {\n    vouchers(filter: $filter, first: $first, after: $after) {\n      pageInfo { hasNextPage endCursor }\n      edges { node {\n        id voucherNo voucherDate sourceSystem sourceModule sourceType sourceId sourceReferenceNo sourceVersion companyId\n        counterpartyType counterpartyId counterpartyName direction amount currency summary status createdBy createdAt updatedAt\n      } }\n    }\n  }\n"): typeof import('./graphql.ts').ExportVouchersDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ExportVouchersCount($filter: VoucherFilter!) { vouchers(filter: $filter, first: 0) { totalCount } }\n"): typeof import('./graphql.ts').ExportVouchersCountDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment Fixed on FixDataResult {\n    dryRun found fixed\n    differences {\n      kind sourceSystem sourceModule sourceId expectedVersion expectedDigest actualVersion actualDigest repaired\n      subscription { id name targetSystem }\n    }\n    reports { ...FixReport }\n    notCompared { reason subscription { id name targetSystem } }\n  }\n"): typeof import('./graphql.ts').FixedFragmentDoc;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment FixReport on ConsistencyReport {\n    id state checked requests bytesExchanged differenceCount repairedCount errorMessage\n    subscription { id name targetSystem }\n  }\n"): typeof import('./graphql.ts').FixReportFragmentDoc;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ReadFixReport($id: ID!) { consistencyReport(id: $id) { ...FixReport } }\n"): typeof import('./graphql.ts').ReadFixReportDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ReadFixDifferences($id: ID!, $first: Int!) {\n    consistencyReport(id: $id) {\n      differences(first: $first) {\n        kind sourceSystem sourceModule sourceId expectedVersion expectedDigest actualVersion actualDigest repaired\n        subscription { id name targetSystem }\n      }\n    }\n  }\n"): typeof import('./graphql.ts').ReadFixDifferencesDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation FixData($date: Date!, $subscriptionId: ID, $dryRun: Boolean!) {\n    fixData(date: $date, subscriptionId: $subscriptionId, dryRun: $dryRun, wait: false) { ...Fixed }\n  }\n"): typeof import('./graphql.ts').FixDataDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation ApplyFixPlan($items: [FixPlanItemInput!]!) { applyFixPlan(items: $items, wait: false) { ...Fixed } }\n"): typeof import('./graphql.ts').ApplyFixPlanDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "query ImportGreeting { __typename }"): typeof import('./graphql.ts').ImportGreetingDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation ImportVouchers($inputs: [RecordVoucherInput!]!) {\n    recordVouchers(inputs: $inputs) {\n      index\n      result { outcome }\n      error { code message field }\n    }\n  }\n"): typeof import('./graphql.ts').ImportVouchersDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ListKeys { apiKeys { id name role system createdAt lastUsedAt revokedAt } }\n"): typeof import('./graphql.ts').ListKeysDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateKey($name: String!, $role: Role!, $system: String) {\n    createApiKey(name: $name, role: $role, system: $system) { secret apiKey { id name role system createdAt } }\n  }\n"): typeof import('./graphql.ts').CreateKeyDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation RevokeKey($id: ID!) { revokeApiKey(id: $id) { id name role system revokedAt } }\n"): typeof import('./graphql.ts').RevokeKeyDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ListenSubscription($id: ID!) {\n    dataSubscription(id: $id) {\n      id name targetSystem state webhookUrl batchSize batchMaxBytes timeoutMs ackTimeoutMs payloadQuery\n      retry { maxRetries baseDelayMs maxDelayMs jitter }\n    }\n  }\n"): typeof import('./graphql.ts').ListenSubscriptionDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription ListenDeliveries($subscriptionId: ID!, $prefetch: Int!) {\n    deliveries(subscriptionId: $subscriptionId, prefetch: $prefetch) {\n      syncId attempt mode\n      event {\n        id eventType data occurredAt recordedAt\n        voucher {\n          id voucherNo voucherDate sourceSystem sourceModule sourceType sourceId sourceReferenceNo sourceVersion\n          companyId counterpartyType counterpartyId counterpartyName direction amount currency summary status digest\n        }\n      }\n    }\n  }\n"): typeof import('./graphql.ts').ListenDeliveriesDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ListenAttached($id: ID!) { dataSubscription(id: $id) { connected } }\n"): typeof import('./graphql.ts').ListenAttachedDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation ListenAcknowledge($syncIds: [ID!]!) { acknowledge(syncIds: $syncIds) }\n"): typeof import('./graphql.ts').ListenAcknowledgeDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation ListenReject($syncId: ID!, $code: String!, $message: String!, $retryable: Boolean!) {\n    reject(syncId: $syncId, code: $code, message: $message, retryable: $retryable) { id status subscription { id } }\n  }\n"): typeof import('./graphql.ts').ListenRejectDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation NoteDatabaseRestore($missingSince: DateTime) {\n    noteDatabaseRestore(missingSince: $missingSince) { noticedAt missingSince reason settledAt }\n  }\n"): typeof import('./graphql.ts').NoteDatabaseRestoreDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation SettleDatabaseRestores {\n    settleDatabaseRestores { noticedAt missingSince reason settledAt }\n  }\n"): typeof import('./graphql.ts').SettleDatabaseRestoresDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query RetryRuns { compensationRuns(first: 10) { id kind state total lookedAt count errorMessage } }\n"): typeof import('./graphql.ts').RetryRunsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation RetrySyncs($filter: SyncLogFilter!) { retrySyncs(filter: $filter) }\n"): typeof import('./graphql.ts').RetrySyncsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateSubscription($input: CreateDataSubscriptionInput!) {\n    createDataSubscription(input: $input) { secret subscription { id name targetSystem eventTypes state webhookUrl warnings } }\n  }\n"): typeof import('./graphql.ts').CreateSubscriptionDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query SubscriptionToDelete($id: ID!) { dataSubscription(id: $id) { id name targetSystem backlog connected } }\n"): typeof import('./graphql.ts').SubscriptionToDeleteDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DeleteSubscription($id: ID!) { deleteDataSubscription(id: $id) }\n"): typeof import('./graphql.ts').DeleteSubscriptionDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "query KnownSubscription($id: ID!) { dataSubscription(id: $id) { id } }"): typeof import('./graphql.ts').KnownSubscriptionDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation RotateSecret($id: ID!, $overlapHours: Int!) {\n    rotateDataSubscriptionSecret(id: $id, overlapHours: $overlapHours) { secret warnings subscription { id name targetSystem } }\n  }\n"): typeof import('./graphql.ts').RotateSecretDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ListSubscriptions($targetSystem: String) {\n    dataSubscriptions(targetSystem: $targetSystem) {\n      id name targetSystem eventTypes sourceSystems companyIds mode batchCron state webhookUrl consistencyUrl autoFix batchSize batchMaxBytes maxInFlight shards rateLimitPerSecond timeoutMs ackTimeoutMs payloadQuery\n      retry { maxRetries baseDelayMs maxDelayMs jitter } backlog connected unattachedSince stateSince failedCount lastErrorCode troubledSince lastSuccessAt heldUntil createdAt updatedAt\n    }\n  }\n"): typeof import('./graphql.ts').ListSubscriptionsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation PauseSubscription($id: ID!) { pauseDataSubscription(id: $id) { id name targetSystem state backlog } }\n"): typeof import('./graphql.ts').PauseSubscriptionDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation ResumeSubscription($id: ID!) { resumeDataSubscription(id: $id) { id name targetSystem state backlog } }\n"): typeof import('./graphql.ts').ResumeSubscriptionDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation TestSubscription($id: ID!) { testDataSubscription(id: $id) { ok statusCode latencyMs errorCode errorMessage } }\n"): typeof import('./graphql.ts').TestSubscriptionDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query RetryOfSubscription($id: ID!) {\n    dataSubscription(id: $id) { retry { maxRetries baseDelayMs maxDelayMs jitter } }\n  }\n"): typeof import('./graphql.ts').RetryOfSubscriptionDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation UpdateSubscription($id: ID!, $input: UpdateDataSubscriptionInput!) {\n    updateDataSubscription(id: $id, input: $input) {\n      id name targetSystem eventTypes sourceSystems companyIds mode batchCron state webhookUrl consistencyUrl autoFix batchSize batchMaxBytes maxInFlight shards rateLimitPerSecond\n      timeoutMs ackTimeoutMs payloadQuery retry { maxRetries baseDelayMs maxDelayMs jitter } backlog warnings\n    }\n  }\n"): typeof import('./graphql.ts').UpdateSubscriptionDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "query TailGreeting { __typename }"): typeof import('./graphql.ts').TailGreetingDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription TailChanges($filter: SyncLogFilter!) { syncLogChanged(filter: $filter) { id } }\n"): typeof import('./graphql.ts').TailChangesDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query TailSyncs($filter: SyncLogFilter!, $first: Int!, $after: String) {\n    syncLogs(filter: $filter, first: $first, after: $after) {\n      pageInfo { hasNextPage endCursor }\n      edges {\n        node {\n          id mode status transport retryCount nextAttemptAt errorCode errorMessage\n          createdAt syncStartedAt syncCompletedAt latencyMs\n          subscription { id name targetSystem }\n          event { id eventType sourceVersion voucher { id sourceSystem sourceModule sourceId } }\n          attempts { number startedAt durationMs statusCode errorCode responseExcerpt }\n        }\n      }\n    }\n  }\n"): typeof import('./graphql.ts').TailSyncsDocument;


export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}
