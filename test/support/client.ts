import { createServer, type IncomingMessage } from 'node:http';
import type { RecordVoucherInput } from '../../clients/typescript/src/index.ts';
import type { TestHub } from './hub.ts';

/** An input of the client package; give what differs. */
export function voucherRequest(sourceId: string, over: Partial<RecordVoucherInput> = {}): RecordVoucherInput {
  return {
    eventType: 'invoice_recorded',
    sourceSystem: 'settlement',
    sourceModule: 'invoice',
    sourceType: 'sales_invoice',
    sourceId,
    voucherDate: '2025-12-19',
    direction: 'DEBIT',
    amount: '100.00',
    currency: 'CNY',
    businessData: { invoice_no: sourceId },
    ...over,
  };
}

/**
 * The `n` of the business data of each version of a record, in the order of recording; empty for a record that is not
 * known.
 */
export async function recordedVersions(hub: Pick<TestHub, 'data'>, sourceId: string): Promise<string[]> {
  const { voucherBySource: found } = await hub.data<{
    voucherBySource: { events: { data: { n: string } }[] } | null;
  }>(
    `query ($id: String!) { voucherBySource(sourceSystem: "settlement", sourceModule: "invoice", sourceId: $id) {
       events { data } } }`,
    { id: sourceId },
  );
  return (found?.events ?? []).map(({ data }) => data.n);
}

/** Holds what stands between a publisher and its hub: forwards every request, and loses an answer when told to. */
export interface LossyProxy extends AsyncDisposable {
  readonly url: string;
  /** Answers that were lost. */
  lost(): number;
}

/** @param loses whether the answer to the request of this number (from 0) is lost */
export async function startLossyProxy(
  hubUrl: string,
  loses: (request: number) => boolean,
): Promise<LossyProxy> {
  let [count, lost] = [0, 0];
  const server = createServer((request, response) => {
    void (async () => {
      const number = count++;
      const answer = await fetch(`${hubUrl}${request.url}`, {
        method: 'POST',
        body: await bodyOf(request),
        headers: {
          'content-type': 'application/json',
          authorization: request.headers.authorization ?? '',
        },
      });
      const text = await answer.text();
      if (loses(number)) {
        lost += 1;
        request.socket.destroy();
      } else response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
    })();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    lost: () => lost,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}
