import { build, type BuiltSession } from '#tests/support/factories.ts';
import { startReviewWorkers, useFreshReviewIds, type ReviewWorkers } from '#tests/support/reviewWorkers.ts';
import { startTestApi, type TestAnswer, type TestApi, type TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/** Who a test of reviews needs: an author with a session of one file, and a reviewer of level 1. */
export interface ReviewCast {
  author: TestPerson;
  reviewer: TestPerson;
  session: BuiltSession;
}

/** What is submitted, by whom. */
export interface TestSubmission {
  author: TestPerson;
  session: BuiltSession;
  body?: Record<string, unknown>;
}

/** An api with the workers of reviews behind it. */
export interface ReviewApi {
  api: TestApi;
  newCast(): Promise<ReviewCast>;
  get(person: TestPerson, path: string): Promise<TestAnswer>;
  post(person: TestPerson, path: string, body?: unknown): Promise<TestAnswer>;
  /** Submits, and resolves with the review's id. */
  submit(submission: TestSubmission): Promise<number>;
  /** Submits and waits for the snapshot. */
  submitAndFreeze(submission: TestSubmission): Promise<{ id: number; snapshotId: number }>;
  stopWorkers(): Promise<void>;
  startWorkers(): Promise<void>;
  close(): Promise<void>;
}

/** Starts it all on the run's servers. `settings` are environment variables that replace the defaults of tests. */
export async function startReviewApi(settings: Record<string, string> = {}): Promise<ReviewApi> {
  const api = await startTestApi(settings);
  await useFreshReviewIds(api.database);
  let workers: ReviewWorkers | null = await startReviewWorkers(api.deps);

  const get = (person: TestPerson, path: string): Promise<TestAnswer> =>
    api.send('GET', `/api/v1${path}`, { as: person });
  const post = (person: TestPerson, path: string, body?: unknown): Promise<TestAnswer> =>
    api.send('POST', `/api/v1${path}`, { as: person, ...(body === undefined ? {} : { body }) });

  async function submit({ author, session, body }: TestSubmission): Promise<number> {
    const answer = await post(author, `/sessions/${session.uuid}/reviews`, { title: 'Please look', ...body });
    if (answer.status !== 202) throw new Error(`not submitted: ${JSON.stringify(answer.body)}`);
    return answer.body.id as number;
  }

  return {
    api,
    get,
    post,
    submit,
    async newCast() {
      const author = await api.person();
      const session = await build.session(api.database, { userId: author.id });
      await build.file(api.database, { sessionId: session.id, name: 'main.py', content: 'one\ntwo\nthree\n' });
      return { author, session, reviewer: await api.person({ reviewerLevel: 1 }) };
    },
    async submitAndFreeze(submission) {
      const id = await submit(submission);
      const snapshotId = await waitFor(
        async () => (await get(submission.author, `/reviews/${id}`)).body.snapshotId as number | null,
        { deadlineMs: 20_000, what: 'the snapshot' },
      );
      return { id, snapshotId };
    },
    async stopWorkers() {
      await workers?.stop();
      workers = null;
    },
    async startWorkers() {
      workers ??= await startReviewWorkers(api.deps);
    },
    async close() {
      await workers?.stop();
      await api.close();
    },
  };
}
