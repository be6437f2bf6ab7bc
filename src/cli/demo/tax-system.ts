/**
 * A small tax system, in a process of its own: what a consumer of the hub does, in one file. It verifies, refuses
 * what it can't declare, keeps the newest version of each record, and takes what comes twice only once.
 */
import { once } from 'node:events';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { systemClock } from '../../core/clock.ts';
import type { TaxMessage, TaxOrder, TaxReceipt } from './messages.ts';
import { verifySignatures } from './verify.ts';

/** The fields of a webhook's body that it looks at. */
interface Body {
  readonly event: string;
  readonly data: { readonly tax_no?: unknown };
  readonly voucher: {
    readonly source_system?: string;
    readonly source_module?: string;
    readonly source_id?: string;
    readonly source_version?: number;
  };
}

type TaxVerdict = Pick<TaxReceipt, 'answered' | 'reason'>;

/** Versions by record, and the file that outlives the process. */
class Ledger {
  readonly #file: string;
  readonly #versions = new Map<string, number>();

  constructor(file: string) {
    this.#file = file;
    if (!existsSync(file)) return;
    for (const line of readFileSync(file, 'utf8')
      .split('\n')
      .filter(text => text !== '')) {
      const kept: { record: string; version: number } = JSON.parse(line);
      this.#versions.set(kept.record, kept.version);
    }
  }

  /** Keeps a version that is newer than the one it has. */
  keep(record: string, version: number, body: Body): TaxVerdict {
    const known = this.#versions.get(record) ?? 0;
    if (version <= known) return { answered: 200, reason: `version ${known} is known already` };
    appendFileSync(
      this.#file,
      `${JSON.stringify({ record, version, event: body.event, data: body.data })}\n`,
    );
    this.#versions.set(record, version);
    return { answered: 200, reason: null };
  }
}

// Ctrl-C goes to every process of the terminal; this one lives as long as the demo wants it to.
process.on('SIGINT', () => {});
process.once('message', (order: TaxOrder) => void serve(order));

async function serve(order: TaxOrder): Promise<void> {
  const ledger = new Ledger(order.file);
  const server = createServer((request, response) => void take(request, response, order.secret, ledger));
  process.once('disconnect', () => {
    server.closeAllConnections();
    server.close();
  });
  server.listen(order.port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address === 'object' && address !== null) tell({ kind: 'listening', port: address.port });
}

async function take(
  request: IncomingMessage,
  response: ServerResponse,
  secret: string,
  ledger: Ledger,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const rawBody = Buffer.concat(chunks);
  const fault = verifySignatures(rawBody, request.headers, secret, systemClock.now() / 1_000);
  if (fault !== null) {
    tell({ kind: 'receipt', sourceId: '?', version: 0, verified: false, answered: 401, reason: fault });
    return answer(response, { answered: 401, reason: fault });
  }
  const body: Body = JSON.parse(rawBody.toString('utf8'));
  const verdict = judge(body, ledger);
  answer(response, verdict);
  const { source_id: sourceId, source_version: version } = body.voucher;
  if (sourceId !== undefined && version !== undefined)
    tell({ kind: 'receipt', sourceId, version, verified: true, ...verdict });
}

function judge(body: Body, ledger: Ledger): TaxVerdict {
  const { source_system, source_module, source_id, source_version } = body.voucher;
  if (source_version === undefined) return { answered: 200, reason: 'a test of the connection' };
  if (typeof body.data.tax_no !== 'string') return { answered: 422, reason: 'tax_no is missing' };
  return ledger.keep(`${source_system}/${source_module}/${source_id}`, source_version, body);
}

function answer(response: ServerResponse, { answered, reason }: TaxVerdict): void {
  response
    .writeHead(answered, { 'content-type': 'application/json' })
    .end(JSON.stringify({ ok: answered === 200, reason }));
}

function tell(message: TaxMessage): void {
  process.send?.(message);
}
