import { type RecordRef, voucherOfGraphql } from '../event.ts';
import type { CacheVersionQuery, CacheVoucherQuery } from '../generated/operations.ts';
import { askHub, type HubAddress, type RequestBounds } from '../hub-request.ts';
import type { CachedVoucher } from './cache-store.ts';

const versionQuery = /* GraphQL */ `
  query CacheVersion($sourceSystem: String!, $sourceModule: String!, $sourceId: String!) {
    voucherBySource(sourceSystem: $sourceSystem, sourceModule: $sourceModule, sourceId: $sourceId) { sourceVersion digest }
  }
`;

const voucherQuery = /* GraphQL */ `
  query CacheVoucher($sourceSystem: String!, $sourceModule: String!, $sourceId: String!) {
    voucherBySource(sourceSystem: $sourceSystem, sourceModule: $sourceModule, sourceId: $sourceId) {
      id voucherNo voucherDate sourceSystem sourceModule sourceType sourceId sourceReferenceNo sourceVersion companyId
      counterpartyType counterpartyId counterpartyName direction amount currency summary status digest businessData
    }
  }
`;

/** The version that the hub has of a record; null: none that this key may see. @throws {HubRequestError} */
export async function askVersion(
  hub: HubAddress,
  ref: RecordRef,
  bounds: RequestBounds,
): Promise<{ sourceVersion: number; digest: string } | null> {
  const answer = await askHub<CacheVersionQuery>(hub, bodyOf(versionQuery, ref), bounds);
  return answer.voucherBySource ?? null;
}

/** A record as the hub has it now; null: none that this key may see. @throws {HubRequestError} */
export async function askVoucher(
  hub: HubAddress,
  ref: RecordRef,
  bounds: RequestBounds,
): Promise<CachedVoucher | null> {
  const { voucherBySource: found } = await askHub<CacheVoucherQuery>(hub, bodyOf(voucherQuery, ref), bounds);
  return found == null ? null : { voucher: voucherOfGraphql(found), data: found.businessData };
}

function bodyOf(query: string, ref: RecordRef): string {
  const variables = {
    sourceSystem: ref.source_system,
    sourceModule: ref.source_module,
    sourceId: ref.source_id,
  };
  return JSON.stringify({ query, variables });
}
