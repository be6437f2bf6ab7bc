import { InvalidArgumentError } from 'commander';
import type { HubClient } from './client.ts';
import { graphql } from './generated/gql.ts';
import { print } from './terminal.ts';

const auditSeal = graphql(`
  query AuditSeal($subscriptionId: ID!, $number: ID!) { auditSeal(subscriptionId: $subscriptionId, number: $number) { hash } }
`);

/** A seal as it was noted elsewhere. */
export interface NotedSeal {
  readonly subscriptionId: string;
  readonly number: string;
  /** Hex. */
  readonly hash: string;
}

/** Holds what has become of it. @property found its hash now; null: it is not there any more */
export interface ComparedSeal extends NotedSeal {
  readonly found: string | null;
  readonly ok: boolean;
}

/** A seal as `--expect` takes it. */
export function notedForm({ subscriptionId, number, hash }: NotedSeal): string {
  return `${subscriptionId}:${number}:${hash}`;
}

/** Reads an `--expect`, after those before it. */
export function readNoted(text: string, before: readonly NotedSeal[] = []): NotedSeal[] {
  const [, subscriptionId, number, hash] = /^(\d{1,18}):(\d{1,18}):([0-9a-f]{64})$/i.exec(text) ?? [];
  if (subscriptionId === undefined || number === undefined || hash === undefined)
    throw new InvalidArgumentError('SUBSCRIPTION:NUMBER:HASH is expected, as `hub audit verify` prints it.');
  return [...before, { subscriptionId, number, hash: hash.toLowerCase() }];
}

/** Looks each of them up. */
export function compareNoted(client: HubClient, noted: readonly NotedSeal[]): Promise<ComparedSeal[]> {
  return Promise.all(
    noted.map(async seal => {
      const { subscriptionId, number } = seal;
      const found = (await client.request(auditSeal, { subscriptionId, number })).auditSeal?.hash ?? null;
      return { ...seal, found, ok: found === seal.hash };
    }),
  );
}

/** Says of each what has become of it. */
export function printCompared(compared: readonly ComparedSeal[]): void {
  for (const { subscriptionId, number, found, ok } of compared) {
    const seal = `Seal ${number} of subscription ${subscriptionId}`;
    if (ok) print(`✓ ${seal} is the one that was noted.`);
    else if (found === null) print(`✗ ${seal} is not there any more: the end of its chain was cut off.`);
    else print(`✗ ${seal} is not the one that was noted: its chain was made anew, up to ${found}.`);
  }
}
