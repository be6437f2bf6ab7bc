import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

let server: string | undefined;

/**
 * From now on hubs get a database each on this server, instead of an embedded one. @param url of a role that may make
 * databases
 */
export function benchOn(url: string): void {
  server = url;
}

/** A database of one hub, on the server that was named; dropped in the end. */
export class BenchDatabase implements AsyncDisposable {
  readonly url: string;
  readonly #server: string;
  readonly #name: string;

  private constructor(on: string, name: string) {
    this.#server = on;
    this.#name = name;
    const url = new URL(on);
    url.pathname = name;
    this.url = url.href;
  }

  /** Null: hubs are embedded ones. */
  static async create(): Promise<BenchDatabase | null> {
    if (server === undefined) return null;
    const name = `hub_bench_${randomBytes(6).toString('hex')}`;
    await execute(server, `create database ${name}`);
    return new BenchDatabase(server, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await execute(this.#server, `drop database ${this.#name} with (force)`);
  }
}

async function execute(url: string, text: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}
