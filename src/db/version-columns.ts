/**
 * Versions of up to 31 bits stand in `source_version`, greater ones in `source_version_wide`. Beside a greater one the
 * narrow column of an event is null, and that of any other row is the nearest that it can hold: hubs of an older version
 * then refuse the record, and do not take a cut number for its version.
 */
const narrowest = -2_147_483_648;
const narrowMost = 2_147_483_647;

/** Gives what the narrow column holds beside a version. */
export function narrowVersion(version: number): number {
  return Math.min(version, narrowMost);
}

/** Gives what the wide column holds; null: the narrow one is enough. */
export function wideVersion(version: number): string | null {
  return version > narrowMost ? String(version) : null;
}

/** SQL: a version in the rows of an alias, a bigint. @param column the narrow one */
export function versionOf(alias: string, column = 'source_version'): string {
  return `coalesce(${alias}.${column}_wide, ${alias}.${column})`;
}

/** SQL: the same as a number for JavaScript, which a float8 holds exactly up to 2^53; a bigint would come as a text. */
export function versionNumber(alias: string, column = 'source_version'): string {
  return `${versionOf(alias, column)}::float8`;
}

/** SQL: the event of a version of a voucher. One look into each of the two indexes, as their condition is no `or`. */
export function eventAt(voucherId: string, version: string): string {
  return ['source_version', 'source_version_wide']
    .map(
      column => `select * from fin_voucher_events where voucher_id = ${voucherId} and ${column} = ${version}`,
    )
    .join(' union all ');
}

/** SQL: what both columns hold of a bigint that may be null, the narrow one first. */
export function bothColumns(version: string): string {
  // Null must stay null: `least` and `greatest` leave it out.
  const narrow = `case when ${version} is not null then least(greatest(${version}, ${narrowest}), ${narrowMost})::int end`;
  return `${narrow}, case when ${version} not between ${narrowest} and ${narrowMost} then ${version} end`;
}
