import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { startRedis, type TestRedis } from '../test/support/redis.ts';
import { Operator } from './actors/operator.ts';
import { Publisher } from './actors/publisher.ts';
import { SocketConsumer } from './actors/socket.ts';
import { WebhookConsumer } from './actors/webhook.ts';
import type { AtOnce } from './at-once.ts';
import { Recorder, type Subscribed } from './history.ts';
import { HubNode } from './node.ts';
import type { Scene } from './plan.ts';
import { takePort } from './ports.ts';
import { Link } from './proxy.ts';
import { ackTimeoutMs, nodesOf, type SubscriptionPlan, sourceSystems, subscriptionPlans } from './scene.ts';
import { type LabDatabase, startDatabase } from './servers.ts';

/** Holds what a lab is made of. */
export interface LabOptions {
  readonly seed: number;
  readonly queue: Scene['queue'];
  /** A folder of the lab's own, which others may pass through. */
  readonly folder: string;
  readonly random: () => number;
  /** Says where what is started says how it is ended at once. */
  readonly atOnce: AtOnce;
}

const recordsOfPublisher = 50;

/** Hubs, servers, proxies, publishers and consumers, each by its name. Dispose of it to end them all. */
export class Lab implements AsyncDisposable {
  readonly recorder = new Recorder();
  readonly nodes = new Map<string, HubNode>();
  readonly links = new Map<string, Link>();
  readonly webhooks = new Map<string, WebhookConsumer>();
  readonly sockets = new Map<string, SocketConsumer>();
  readonly subscriptions = new Map<string, Subscribed>();
  readonly publishers: Publisher[] = [];
  readonly #parts = new AsyncDisposableStack();
  readonly #key = `hub_lab_${randomBytes(24).toString('hex')}`;
  #database: LabDatabase | undefined;
  #operator: Operator | undefined;
  #redis: TestRedis | undefined;

  /** Starts everything, and subscribes the consumers. Publishers are made, and begin when they are run. */
  static async open(options: LabOptions): Promise<Lab> {
    const lab = new Lab();
    try {
      await lab.#startServers(options);
      await lab.#startNodes(options);
      for (const plan of subscriptionPlans) await lab.#subscribe(plan, options);
      for (const sourceSystem of sourceSystems) lab.#addPublisher(sourceSystem, options);
      return lab;
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  get database(): LabDatabase {
    if (this.#database === undefined) throw new Error('The lab has no database yet.');
    return this.#database;
  }

  get operator(): Operator {
    if (this.#operator === undefined) throw new Error('The lab has no hub yet.');
    return this.#operator;
  }

  /** Undefined where the queue is on PostgreSQL. */
  get redis(): TestRedis | undefined {
    return this.#redis;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }

  async #startServers({ folder, queue, atOnce }: LabOptions): Promise<void> {
    this.#database = this.#parts.use(await startDatabase(folder, atOnce));
    if (queue !== 'redis') return;
    const redis = this.#parts.use(await startRedis({ port: await takePort() }));
    this.#redis = redis;
    atOnce.defer(() => redis.killAtOnce());
  }

  async #startNodes({ seed, folder, atOnce }: LabOptions): Promise<void> {
    const encryptionKey = randomBytes(32).toString('base64');
    for (const { name, roles } of nodesOf(seed)) {
      const databaseLink = await this.#link(`database-${name}`, this.database.port);
      const databaseUrl = new URL(this.database.url);
      databaseUrl.port = String(databaseLink.port);
      const port = await takePort();
      if (roles.includes('api')) await this.#link(`front-${name}`, port);
      const env: Record<string, string> = {
        DATABASE_URL: databaseUrl.href,
        HUB_ROLES: roles,
        HUB_ADMIN_KEY: this.#key,
        HUB_ENCRYPTION_KEY: encryptionKey,
        HUB_TARGET_ALLOW: '127.0.0.0/8',
        HUB_DATABASE_POOL: '10',
        HUB_LOG_LEVEL: 'info',
        HUB_LOG_FORMAT: 'json',
      };
      if (this.redis !== undefined)
        env.REDIS_URL = `redis://127.0.0.1:${(await this.#link(`queue-${name}`, this.redis.port)).port}`;
      const logFile = path.join(folder, `hub-${name}.log`);
      const node = this.#parts.use(new HubNode(name, { port, env, logFile, recorder: this.recorder }));
      atOnce.defer(() => node.killAtOnce());
      this.nodes.set(name, node);
    }
    await Promise.all([...this.nodes.values()].map(node => node.start()));
    const doors = [...this.nodes.values()].filter(({ name }) => this.links.has(`front-${name}`));
    this.#operator = new Operator(
      doors.map(({ url }) => url),
      this.#key,
    );
  }

  async #link(name: string, target: number): Promise<Link> {
    const link = this.#parts.use(await Link.open(name, await takePort(), target));
    this.links.set(name, link);
    return link;
  }

  async #subscribe(plan: SubscriptionPlan, { random }: LabOptions): Promise<void> {
    const { name, hasWebhook, consumers, settings, sourceSystems } = plan;
    const input = { name, targetSystem: name, eventTypes: ['*'], sourceSystems, ...settings };
    const webhook = hasWebhook ? await this.#addWebhook(name, random) : undefined;
    const { id, secret } = await this.operator.subscribe({ ...input, webhookUrl: webhook?.url ?? null });
    if (webhook !== undefined) {
      webhook.consumer.subscriptionId = id;
      webhook.consumer.secrets.push(secret);
    }
    this.subscriptions.set(name, { id, name, sourceSystems, maxRetries: settings.retry.maxRetries });
    for (const [at, consumer] of consumers.entries()) {
      const options = {
        subscriptionId: id,
        urls: this.#fronts(),
        key: this.#key,
        ackTimeoutMs,
        recorder: this.recorder,
      };
      this.sockets.set(consumer, this.#parts.use(new SocketConsumer(options, at)));
    }
  }

  async #addWebhook(name: string, random: () => number): Promise<{ consumer: WebhookConsumer; url: string }> {
    const port = await takePort();
    const consumer = this.#parts.use(new WebhookConsumer(name, random, this.recorder));
    await consumer.listen(port);
    this.webhooks.set(name, consumer);
    const link = await this.#link(`hook-${name}`, port);
    return { consumer, url: `http://127.0.0.1:${link.port}/hook` };
  }

  #addPublisher(sourceSystem: string, { random }: LabOptions): void {
    const { recorder } = this;
    const options = { sourceSystem, records: recordsOfPublisher, urls: this.#fronts(), key: this.#key };
    this.publishers.push(new Publisher({ ...options, random, recorder }));
  }

  /** The hubs that take calls, by way of their proxies. */
  #fronts(): string[] {
    return [...this.links.values()]
      .filter(({ name }) => name.startsWith('front-'))
      .map(({ port }) => `http://127.0.0.1:${port}`);
  }
}
