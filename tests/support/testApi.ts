import { cookieName } from '#api/auth/cookies.ts';
import { startSignIn } from '#api/auth/signIn.ts';
import { createApi, type Api } from '#api/createApi.ts';
import type { ApiDeps } from '#api/deps.ts';
import { allowedOrigin } from '#api/http/origin.ts';
import { createAgentPool } from '#platform/agent/agentPool.ts';
import type { Config } from '#platform/config/config.ts';
import { createEventListener } from '#platform/events/createEventListener.ts';
import { createLog } from '#platform/observability/log.ts';
import { findInstallationId } from '#platform/db/repositories/installation.ts';
import { createRuntime } from '#platform/runtime/createRuntime.ts';
import type { Runtime } from '#platform/runtime/Runtime.ts';
import { createTemporal } from '#platform/temporal/client.ts';
import { build, type BuiltUser } from '#tests/support/factories.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';

/** A request of a test: who sends it, and what differs from a browser's plain request. */
export interface TestRequest {
  as?: TestPerson | null;
  token?: string;
  body?: unknown;
  rawBody?: string | Buffer;
  headers?: Record<string, string>;
  /** Null leaves the Origin header out. */
  origin?: string | null;
}

/** An answer with its body parsed where it is JSON. */
export interface TestAnswer {
  status: number;
  headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test reads whatever the api answered.
  body: any;
}

/** Somebody who is signed in. */
export interface TestPerson extends BuiltUser {
  cookie: string;
}

/** A running api with a database of its own. */
export interface TestApi extends TestDatabase {
  api: Api;
  deps: ApiDeps;
  runtime: Runtime;
  url: string;
  metricsUrl: string;
  send(method: string, path: string, request?: TestRequest): Promise<TestAnswer>;
  person(given?: Partial<Omit<BuiltUser, 'id'>>): Promise<TestPerson>;
  close(): Promise<void>;
}

/** Starts an api on a free port over a new database, with limits off unless `settings` say otherwise. */
export async function startTestApi(settings: Record<string, string> = {}): Promise<TestApi> {
  const base = await createTestDatabase({ RATE_LIMIT_ENABLED: 'false', ...settings });
  const parts = await createTestDeps(base);
  const api = createApi(parts.deps);
  const { port, metricsPort } = await api.listen();
  const url = `http://127.0.0.1:${port}`;
  return {
    ...base,
    api,
    deps: parts.deps,
    runtime: parts.runtime,
    url,
    metricsUrl: `http://127.0.0.1:${metricsPort}`,
    send: (method, path, request = {}) => send(url, base.config, { method, path, ...request }),
    person: (given = {}) => signInNew(parts.deps, given),
    async close() {
      await api.close();
      await parts.close();
      await base.drop();
    },
  };
}

/** What an api works with, over a test database; `close` ends it all but the database. */
export async function createTestDeps({
  config,
  database,
}: TestDatabase): Promise<{ deps: ApiDeps; runtime: Runtime; close(): Promise<void> }> {
  const log = createLog(config, 'api');
  const temporal = createTemporal(config);
  const events = createEventListener({ config, database, log });
  const runtime = await createRuntime({ config, log, installationId: () => findInstallationId(database) });
  const agentPool = createAgentPool({ runtime, secret: config.BERTH_SECRET, log });
  return {
    deps: { config, database, log, temporal, agentPool, events },
    runtime,
    async close() {
      await agentPool.close();
      await runtime.close();
      await events.close();
      await temporal.close();
    },
  };
}

async function signInNew(deps: ApiDeps, given: Partial<Omit<BuiltUser, 'id'>>): Promise<TestPerson> {
  const user = await build.user(deps.database, given);
  const id = await startSignIn(deps, { userId: user.id, origin: { address: '127.0.0.1', userAgent: 'test' } });
  return { ...user, cookie: `${cookieName(deps.config)}=${id}` };
}

async function send(
  url: string,
  config: Config,
  { method, path, ...request }: TestRequest & { method: string; path: string },
): Promise<TestAnswer> {
  const headers = new Headers(request.headers);
  if (request.as) headers.set('cookie', request.as.cookie);
  if (request.token) headers.set('authorization', `Bearer ${request.token}`);
  if (request.origin !== null && !request.token) headers.set('origin', request.origin ?? allowedOrigin(config));
  const body = request.rawBody ?? (request.body === undefined ? undefined : JSON.stringify(request.body));
  if (body !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/json');
  const answer = await fetch(`${url}${path}`, { method, headers, body, redirect: 'manual' });
  const text = await answer.text();
  const isJson = /json/.test(answer.headers.get('content-type') ?? '');
  return { status: answer.status, headers: answer.headers, body: isJson && text !== '' ? JSON.parse(text) : text };
}
