import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { verify } from '../../clients/typescript/src/index.ts';
import type { Recorder } from '../history.ts';

const event = z.object({
  sync_id: z.number(),
  data: z.object({ mark: z.string() }),
  voucher: z.object({ source_system: z.string(), source_id: z.string(), source_version: z.number() }),
});
const body = z.union([event, z.object({ items: z.array(event) })]);

/** Says how a receiver answers. */
export type WebhookManner = 'good' | 'slow' | 'failing' | 'silent' | 'throttling';

/** Sets how long an answer takes at most, milliseconds: so long that a process that is killed always leaves some unanswered. */
const answerMs = 200;
const slowAnswerMs = 2_000;

/** The checker holds dates against the lab's clock, so that a wrong one is told as such. */
const toleranceSeconds = 3_600;

/** A consumer by webhook, which writes down what arrives before it answers. */
export class WebhookConsumer implements AsyncDisposable {
  /** Both, while a rotation overlaps. */
  readonly secrets: string[] = [];
  subscriptionId = '';
  manner: WebhookManner = 'good';
  readonly #name: string;
  readonly #random: () => number;
  readonly #recorder: Recorder;
  readonly #server = createServer((request, response) => void this.#take(request, response));

  constructor(name: string, random: () => number, recorder: Recorder) {
    this.#name = name;
    this.#random = random;
    this.#recorder = recorder;
  }

  async listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const rawBody = await bodyOf(request).catch(() => null);
    // Cut off on its way: nothing has arrived.
    if (rawBody === null) return;
    try {
      verify(rawBody, request.headers, this.secrets, { toleranceSeconds });
    } catch (error) {
      this.#recorder.faultsOfHub.push(`${this.#name} got a request that does not verify: ${String(error)}`);
      return void response.writeHead(401).end();
    }
    const datedOffMs = Number(request.headers['x-timestamp']) * 1_000 - Date.now();
    const signature = String(request.headers['webhook-signature']);
    const parsed = body.parse(JSON.parse(rawBody.toString('utf8')));
    const events = 'items' in parsed ? parsed.items : [parsed];
    const arrivals = events.map(({ sync_id, data, voucher }) =>
      this.#recorder.arrived({
        subscriptionId: this.subscriptionId,
        way: 'webhook',
        syncId: String(sync_id),
        sourceSystem: voucher.source_system,
        sourceId: voucher.source_id,
        version: voucher.source_version,
        mark: data.mark,
        datedOffMs,
        signature,
      }),
    );
    await this.#answer(response, arrivals);
  }

  async #answer(
    response: ServerResponse,
    arrivals: readonly { syncId: string; accepted: boolean }[],
  ): Promise<void> {
    const { manner } = this;
    if (manner === 'silent') return;
    if (manner === 'throttling') return void response.writeHead(429, { 'retry-after': '1' }).end();
    if (manner === 'failing' && (arrivals.length === 1 || this.#random() < 0.3))
      return void response.writeHead(this.#random() < 0.5 ? 500 : 503).end();
    await pause(this.#random() * (manner === 'slow' ? slowAnswerMs : answerMs));
    const results = arrivals.map(arrival => {
      arrival.accepted ||= manner !== 'failing' || this.#random() < 0.5;
      return { sync_id: Number(arrival.syncId), code: arrival.accepted ? 0 : 503, message: '' };
    });
    const text = results.length > 1 ? JSON.stringify({ results }) : '';
    response.writeHead(results.length > 1 ? 207 : 200).end(text);
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}
