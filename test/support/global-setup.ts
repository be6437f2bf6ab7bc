import { startTestCluster, type TestCluster } from './postgres.ts';

let cluster: TestCluster | undefined;

/** One PostgreSQL for the whole run; each test file makes databases of its own in it. */
export async function globalSetup(): Promise<void> {
  cluster = await startTestCluster();
  process.env.HUB_TEST_POSTGRES_URL = cluster.url;
}

export async function globalTeardown(): Promise<void> {
  await cluster?.[Symbol.asyncDispose]();
}
