import { eventBody } from '../../delivery/payload/body.ts';
import { boundedQueries } from '../../hub/bounded-queries.ts';
import { servedSchemaText } from '../../resolvers/served-schema.ts';
import type { Listened, PushedDelivery } from './documents.ts';
import { frozenSync } from './frozen-sync.ts';

/** Makes the bodies that the hub's webhook would have, by the hub's own code. */
export class WebhookBodies {
  readonly queries = boundedQueries(servedSchemaText());

  /** The body of one event, JSON. */
  of(delivery: PushedDelivery, { payloadQuery }: Pick<Listened, 'payloadQuery'>): string {
    const sync = frozenSync(delivery);
    if (payloadQuery == null) return eventBody(sync);
    const shaped = this.queries.shape(payloadQuery, sync);
    return eventBody(sync, 'dataJson' in shaped ? shaped.dataJson : undefined);
  }
}
