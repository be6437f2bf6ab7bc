import { recordKey as keyOf } from '@voucher-hub/client/wire';

/** Names one source record. */
export interface RecordName {
  readonly sourceSystem: string;
  readonly sourceModule: string;
  readonly sourceId: string;
}

/** Gives `k` of the consistency protocol, where a record stands in the tree. 64 hex digits. */
export function recordKey({ sourceSystem, sourceModule, sourceId }: RecordName): string {
  return keyOf({ source_system: sourceSystem, source_module: sourceModule, source_id: sourceId });
}

/** The sixteen prefixes one digit longer. */
export function childrenOf(prefix: string): string[] {
  return Array.from('0123456789abcdef', digit => prefix + digit);
}
