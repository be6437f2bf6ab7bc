import { plural, print, printTable } from '../terminal.ts';

/** A difference as the commands read it. */
export interface ShownDifference {
  readonly kind: string;
  readonly sourceSystem: string;
  readonly sourceModule: string;
  readonly sourceId: string;
  readonly expectedVersion?: number | null;
  readonly expectedDigest?: string | null;
  readonly actualVersion?: number | null;
  readonly actualDigest?: string | null;
  readonly repaired: boolean;
  readonly subscription: { readonly id: string };
}

/** Lines of a table that a person reads; more are in `--json` and in a plan. */
const shownAtMost = 100;

/** Prints differences: what each side holds, and what is (or would be) sent. */
export function printDifferences(result: {
  readonly dryRun: boolean;
  readonly found: number;
  readonly differences: readonly ShownDifference[];
}): void {
  if (result.differences.length === 0) return;
  const rows = result.differences
    .slice(0, shownAtMost)
    .map(one => [
      one.subscription.id,
      one.kind.toLowerCase(),
      `${one.sourceSystem}/${one.sourceModule}/${one.sourceId}`,
      versionOf(one.actualVersion, one.actualDigest),
      versionOf(one.expectedVersion, one.expectedDigest),
      actionOf(one, result.dryRun),
    ]);
  printTable(['SUB', 'KIND', 'RECORD', 'CONSUMER HAS', 'HUB HAS', result.dryRun ? 'WOULD' : 'DONE'], rows);
  const more = result.found - rows.length;
  if (more > 0) print(`… and ${plural(more, 'more difference')} (--json has up to 10,000)`);
  print();
}

/** Gives what keeps reports from saying that all is well. */
export function reportFaults(
  reports: readonly {
    readonly id: string;
    readonly state: string;
    readonly errorMessage?: string | null;
    readonly subscription: { readonly id: string; readonly name: string; readonly targetSystem: string };
  }[],
): string[] {
  return reports.flatMap(({ id, state, errorMessage, subscription }) => {
    if (state === 'DONE' && errorMessage == null) return [];
    const { name, targetSystem } = subscription;
    return `Subscription ${subscription.id} (${name} of ${targetSystem}), report ${id}: ${errorMessage ?? state.toLowerCase()}`;
  });
}

function versionOf(version: number | null | undefined, digest: string | null | undefined): string {
  return version == null ? '–' : `v${version} ${(digest ?? '').slice(0, 12)}…`;
}

function actionOf({ kind, expectedVersion, repaired }: ShownDifference, dryRun: boolean): string {
  if (kind === 'UNEXPECTED') return 'stay as it is';
  if (dryRun) return `be sent v${expectedVersion ?? '?'}`;
  return repaired ? 'sent and verified' : 'not verified';
}
