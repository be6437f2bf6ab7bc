/** Holds what of a subscription decides which vouchers it covers. */
export interface Coverage {
  /** Names, a prefix with a star (`invoice_*`), or `*`. */
  readonly eventTypes: readonly string[];
  /** Null: all. */
  readonly sourceSystems?: readonly string[] | null;
  /** Null: all. */
  readonly companyIds?: readonly string[] | null;
}

/** A pattern of event types as one of SQL's LIKE. */
export function likePattern(eventType: string): string {
  const escape = (text: string) => text.replace(/[\\%_]/g, found => `\\${found}`);
  return eventType.endsWith('*') ? `${escape(eventType.slice(0, -1))}%` : escape(eventType);
}

/** SQL: whether a subscription covers what stands in `alias`; its parameters are $1, $2 and $3, see `coverageValues`. */
export function isCovered(alias: string): string {
  return `(${alias}.event_type like any($1::text[]) and ($2::text[] is null or ${alias}.source_system = any($2))
    and ($3::text[] is null or ${alias}.company_id = any($3)))`;
}

/** The parameters of `isCovered`. */
export function coverageValues(coverage: Coverage): [string[], string[] | null, string[] | null] {
  const { eventTypes, sourceSystems, companyIds } = coverage;
  return [eventTypes.map(likePattern), sourceSystems?.slice() ?? null, companyIds?.slice() ?? null];
}
