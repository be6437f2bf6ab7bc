import type { TestHub } from './hub.ts';
import { until } from './wait.ts';

/** A report as tests read it. */
export interface ReportView {
  id: string;
  state: string;
  autoFix: boolean;
  checked: number;
  requests: number;
  bytesExchanged: number;
  differenceCount: number;
  errorMessage: string | null;
  differences: DifferenceView[];
}

/** A difference as tests read it. */
export interface DifferenceView {
  kind: string;
  sourceSystem: string;
  sourceModule: string;
  sourceId: string;
  expectedVersion: number | null;
  expectedDigest: string | null;
  actualVersion: number | null;
  actualDigest: string | null;
  repaired: boolean;
}

const difference =
  'kind sourceSystem sourceModule sourceId expectedVersion expectedDigest actualVersion actualDigest repaired';

/** The fields of a report. */
const report = `id state autoFix checked requests bytesExchanged differenceCount errorMessage differences(first: 500) { ${difference} }`;

/** Runs a check to its end. */
export async function runCheck(
  hub: Pick<TestHub, 'data'>,
  input: Record<string, unknown>,
  key?: string,
): Promise<ReportView> {
  const { runConsistencyCheck: begun } = await hub.data<{ runConsistencyCheck: ReportView }>(
    `mutation ($input: ConsistencyCheckInput!) { runConsistencyCheck(input: $input) { ${report} } }`,
    { input },
    key,
  );
  return until(`check ${begun.id} has ended`, async () => {
    const now = begun.state === 'RUNNING' ? await readReport(hub, begun.id, key) : begun;
    return now !== null && now.state !== 'RUNNING' && now;
  });
}

/** A report; null: there is none that the key may see. */
export async function readReport(
  hub: Pick<TestHub, 'data'>,
  id: string,
  key?: string,
): Promise<ReportView | null> {
  const { consistencyReport } = await hub.data<{ consistencyReport: ReportView | null }>(
    `query ($id: ID!) { consistencyReport(id: $id) { ${report} } }`,
    { id },
    key,
  );
  return consistencyReport;
}

/** Holds what `fixData` gives. */
export interface FixView {
  dryRun: boolean;
  found: number;
  fixed: number;
  differences: (DifferenceView & { subscription: { id: string } })[];
  reports: ReportView[];
}

/** Runs `fixData`. */
export async function fixData(
  hub: Pick<TestHub, 'data'>,
  variables: { date: string; subscriptionId?: string; dryRun?: boolean },
): Promise<FixView> {
  const { fixData: result } = await hub.data<{ fixData: FixView }>(
    `mutation ($date: Date!, $subscriptionId: ID, $dryRun: Boolean! = true) { fixData(date: $date, subscriptionId: $subscriptionId, dryRun: $dryRun) {
       dryRun found fixed differences { ${difference} subscription { id } } reports { ${report} } } }`,
    variables,
  );
  return result;
}
