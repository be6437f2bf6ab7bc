import { type RecordRef, voucherOfGraphql } from '../event.ts';
import type { CacheVersionsQuery, CacheVoucherQuery } from '../generated/operations.ts';
import { askHub, type HubAddress, type RequestBounds } from '../hub-request.ts';
import type { CachedVoucher } from './cache-store.ts';

/** Records in one question: the hub takes no more. */
export const versionsAtOnce = 1_000;

const versionsQuery = /* GraphQL */ `
  query CacheVersions($refs: [VoucherRef!]!) { voucherVersions(refs: $refs) { sourceVersion digest } }
`;

const voucherQuery = /* GraphQL */ `
  query CacheVoucher($sourceSystem: String!, $sourceModule: String!, $sourceId: String!) {
    voucherBySource(sourceSystem: $sourceSystem, sourceModule: $sourceModule, sourceId: $sourceId) {
      id voucherNo voucherDate sourceSystem sourceModule sourceType sourceId sourceReferenceNo sourceVersion companyId
      counterpartyType counterpartyId counterpartyName direction amount currency summary status digest businessData
    }
  }
`;

/** Holds what the hub has of a record. */
export interface HubVersion {
  readonly sourceVersion: number;
  readonly digest: string;
}

/**
 * The versions that the hub has of records, `versionsAtOnce` at most, in their order; null: none that this key may see.
 * @throws {HubRequestError}
 */
export async function askVersions(
  hub: HubAddress,
  refs: readonly RecordRef[],
  bounds: RequestBounds,
): Promise<readonly (HubVersion | null)[]> {
  const body = JSON.stringify({ query: versionsQuery, variables: { refs: refs.map(variablesOf) } });
  return (await askHub<CacheVersionsQuery>(hub, body, bounds)).voucherVersions;
}

/** A record as the hub has it now; null: none that this key may see. @throws {HubRequestError} */
export async function askVoucher(
  hub: HubAddress,
  ref: RecordRef,
  bounds: RequestBounds,
): Promise<CachedVoucher | null> {
  const body = JSON.stringify({ query: voucherQuery, variables: variablesOf(ref) });
  const { voucherBySource: found } = await askHub<CacheVoucherQuery>(hub, body, bounds);
  return found == null ? null : { voucher: voucherOfGraphql(found), data: found.businessData };
}

function variablesOf(ref: RecordRef): { sourceSystem: string; sourceModule: string; sourceId: string } {
  return { sourceSystem: ref.source_system, sourceModule: ref.source_module, sourceId: ref.source_id };
}
