import type { ReviewCast, TestSubmission } from '#tests/support/reviewApi.ts';
import { isEndedRun } from '#shared/domain/run.ts';
import { findSession, type SessionRecord } from '#platform/db/repositories/sessions.ts';
import { registerSearchAttributes } from '#platform/temporal/registerSearchAttributes.ts';
import { createWorkers } from '#workers/createWorkers.ts';
import { installWorkerLog } from '#workers/workerLog.ts';
import { build } from '#tests/support/factories.ts';
import { useFreshReviewIds } from '#tests/support/reviewWorkers.ts';
import { TEST_BUNDLES } from '#tests/support/sessionSteps.ts';
import { startTestApi, type TestAnswer, type TestApi, type TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/** A frozen review that a reviewer of level 1 holds. */
export interface HeldReview extends ReviewCast {
  id: number;
  snapshotId: number;
}

/** An api with workers of all roles behind it: reviews, sessions with real pods, runs. */
export interface CopyGround {
  api: TestApi;
  get(person: TestPerson, path: string): Promise<TestAnswer>;
  post(person: TestPerson, path: string, body?: unknown): Promise<TestAnswer>;
  /** An author with a session of `main.py`, a reviewer, and a review that they hold. */
  heldReview(submission?: Partial<TestSubmission>): Promise<HeldReview>;
  /** Opens the person's copy and waits until it runs. */
  openCopy(person: TestPerson, reviewId: number): Promise<SessionRecord>;
  /** Runs a command on the review's snapshot and waits for its receipt with outputs. */
  runOn(person: TestPerson, reviewId: number, command: string): Promise<TestAnswer['body']>;
  /** Resolves once the session has that phase. */
  reaches(uuid: string, phase: SessionRecord['phase']): Promise<SessionRecord>;
  close(): Promise<void>;
}

const PATIENCE_MS = 60_000;

/** Starts it all on the run's servers. */
export async function startCopyGround(settings: Record<string, string> = {}): Promise<CopyGround> {
  const api = await startTestApi(settings);
  const { deps, runtime, database } = api;
  await useFreshReviewIds(database);
  installWorkerLog(deps.log);
  await registerSearchAttributes(deps.temporal, api.config.TEMPORAL_NAMESPACE);
  const workers = createWorkers({ ...deps, runtime, bundleFolder: TEST_BUNDLES });
  const running = workers.run();

  const get = (person: TestPerson, path: string): Promise<TestAnswer> =>
    api.send('GET', `/api/v1${path}`, { as: person });
  const post = (person: TestPerson, path: string, body: unknown = {}): Promise<TestAnswer> =>
    api.send('POST', `/api/v1${path}`, { as: person, body });

  async function expectStatus(status: number, answer: Promise<TestAnswer>): Promise<TestAnswer['body']> {
    const { body, ...given } = await answer;
    if (given.status !== status) throw new Error(`answered ${String(given.status)}: ${JSON.stringify(body)}`);
    return body;
  }

  async function reaches(uuid: string, phase: SessionRecord['phase']): Promise<SessionRecord> {
    return waitFor(
      async () => {
        const session = await findSession(database, uuid);
        return session?.phase === phase && session;
      },
      { deadlineMs: PATIENCE_MS, what: `phase ${phase}` },
    );
  }

  return {
    api,
    get,
    post,
    reaches,
    async heldReview({ body = {} } = {}) {
      const author = await api.person();
      const reviewer = await api.person({ reviewerLevel: 1 });
      const session = await build.session(database, { userId: author.id });
      await build.file(database, { sessionId: session.id, name: 'main.py', content: "print('frozen')\n" });
      const asked = post(author, `/sessions/${session.uuid}/reviews`, { title: 'Please look', ...body });
      const { id } = await expectStatus(202, asked);
      const snapshotId = await waitFor(
        async () => (await get(author, `/reviews/${id}`)).body.snapshotId as number | null,
        { deadlineMs: PATIENCE_MS, what: 'the snapshot' },
      );
      await expectStatus(200, post(reviewer, `/reviews/${id}/claim`));
      return { author, reviewer, session, id, snapshotId };
    },
    async openCopy(person, reviewId) {
      const { uuid } = await expectStatus(202, post(person, `/reviews/${reviewId}/running-copies`));
      return reaches(uuid as string, 'running');
    },
    async runOn(person, reviewId, command) {
      const { id } = await expectStatus(202, post(person, `/reviews/${reviewId}/runs`, { command }));
      return waitFor(
        async () => {
          const { body } = await get(person, `/reviews/${reviewId}/receipts/${id}`);
          return isEndedRun(body.status) && body;
        },
        { deadlineMs: PATIENCE_MS, what: 'the receipt' },
      );
    },
    async close() {
      await workers.shutdown();
      await running;
      const { pods } = await runtime.list();
      await Promise.all(pods.map((pod) => runtime.destroyPod(pod.uuid)));
      await api.close();
    },
  };
}
