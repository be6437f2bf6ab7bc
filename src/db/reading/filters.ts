import type { FilterQuery } from '@mikro-orm/core';
import { badInput } from '../../core/errors.ts';
import type { SyncMode, SyncStatus, TransportKind } from '../../core/model.ts';
import { shownValue } from '../../core/shown-value.ts';
import type { SyncLogRow, VoucherRow } from '../entities.ts';

/** Which vouchers are meant. Null and undefined: no bound. */
export interface VoucherCriteria {
  sourceSystem?: string | null;
  sourceModule?: string | null;
  sourceIds?: string[] | null;
  companyId?: string | null;
  counterpartyId?: string | null;
  voucherDateFrom?: string | null;
  voucherDateTo?: string | null;
  updatedFrom?: Date | null;
  updatedTo?: Date | null;
}

/** Which syncs are meant. Null and undefined: no bound. */
export interface SyncCriteria {
  ids?: string[] | null;
  subscriptionId?: string | null;
  statuses?: SyncStatus[] | null;
  modes?: SyncMode[] | null;
  transports?: TransportKind[] | null;
  eventTypes?: string[] | null;
  errorCodes?: string[] | null;
  sourceSystem?: string | null;
  voucherId?: string | null;
  voucherIds?: string[] | null;
  createdFrom?: Date | null;
  createdTo?: Date | null;
}

/** Most entries of a list in a filter. */
const listMax = 1_000;

/** The ORM's condition for vouchers. @throws HubError BAD_USER_INPUT for lists that are too long */
export function voucherWhere(criteria: VoucherCriteria): FilterQuery<VoucherRow> {
  checkTexts(criteria);
  const parts: FilterQuery<VoucherRow>[] = [];
  if (criteria.sourceSystem != null) parts.push({ sourceSystem: criteria.sourceSystem });
  if (criteria.sourceModule != null) parts.push({ sourceModule: criteria.sourceModule });
  if (criteria.sourceIds != null) parts.push({ sourceId: { $in: bounded('sourceIds', criteria.sourceIds) } });
  if (criteria.companyId != null) parts.push({ companyId: criteria.companyId });
  if (criteria.counterpartyId != null) parts.push({ counterpartyId: criteria.counterpartyId });
  if (criteria.voucherDateFrom != null) parts.push({ voucherDate: { $gte: criteria.voucherDateFrom } });
  if (criteria.voucherDateTo != null) parts.push({ voucherDate: { $lte: criteria.voucherDateTo } });
  if (criteria.updatedFrom != null) parts.push({ updatedAt: { $gte: criteria.updatedFrom } });
  if (criteria.updatedTo != null) parts.push({ updatedAt: { $lte: criteria.updatedTo } });
  return { $and: parts };
}

/** The ORM's condition for syncs. @throws HubError BAD_USER_INPUT for ids that are none and lists that are too long */
export function syncWhere(criteria: SyncCriteria): FilterQuery<SyncLogRow> {
  checkTexts(criteria);
  const parts: FilterQuery<SyncLogRow>[] = [];
  if (criteria.ids != null)
    parts.push({ id: { $in: bounded('ids', criteria.ids).map(id => checkId('ids', id)) } });
  if (criteria.subscriptionId != null)
    parts.push({ subscriptionId: checkId('subscriptionId', criteria.subscriptionId) });
  if (criteria.voucherId != null) parts.push({ voucherId: checkId('voucherId', criteria.voucherId) });
  if (criteria.voucherIds != null) parts.push({ voucherId: { $in: criteria.voucherIds } });
  if (criteria.statuses != null) parts.push({ status: { $in: bounded('statuses', criteria.statuses) } });
  if (criteria.modes != null) parts.push({ mode: { $in: bounded('modes', criteria.modes) } });
  if (criteria.transports != null)
    parts.push({ transport: { $in: bounded('transports', criteria.transports) } });
  if (criteria.eventTypes != null)
    parts.push({ eventType: { $in: bounded('eventTypes', criteria.eventTypes) } });
  if (criteria.errorCodes != null)
    parts.push({ errorCode: { $in: bounded('errorCodes', criteria.errorCodes) } });
  if (criteria.sourceSystem != null) parts.push({ sourceSystem: criteria.sourceSystem });
  if (criteria.createdFrom != null) parts.push({ createdAt: { $gte: criteria.createdFrom } });
  if (criteria.createdTo != null) parts.push({ createdAt: { $lte: criteria.createdTo } });
  return { $and: parts };
}

/** @throws HubError BAD_USER_INPUT unless it looks like one of the hub's ids */
export function checkId(field: string, id: string): string {
  if (!/^\d{1,18}$/.test(id)) throw badInput(field, `${field}: ${shownValue(id)} is no id.`);
  return id;
}

/** A NUL can't even be asked for: PostgreSQL's protocol ends texts with it. @throws HubError BAD_USER_INPUT naming the field */
export function checkTexts(criteria: object): void {
  for (const [field, value] of Object.entries(criteria)) {
    const texts: unknown[] = Array.isArray(value) ? value : [value];
    if (texts.some(text => typeof text === 'string' && text.includes('\0')))
      throw badInput(field, `${field}: holds a NUL character.`);
  }
}

function bounded<T>(field: string, values: T[]): T[] {
  if (values.length > listMax) throw badInput(field, `${field}: at most ${listMax} entries.`);
  return values;
}
