import type { ReviewApi } from '#tests/support/reviewApi.ts';
import type { BuiltSession } from '#tests/support/factories.ts';
import type { TestAnswer, TestPerson } from '#tests/support/testApi.ts';

/** A comment as the conversation shows it. */
export interface ShownComment {
  id: number;
  text: string;
  round: number;
  place: Record<string, unknown>;
  applied: unknown;
  parentCommentId: number | null;
  isResolved: boolean;
}

/** A review with its snapshot. */
export interface FrozenReview {
  id: number;
  snapshotId: number;
}

/** What is said, and where: on lines of `path` (main.py), or on the whole. Published unless told. */
export interface Said {
  text?: string;
  type?: string;
  line?: number;
  end?: number;
  path?: string;
  publish?: boolean;
}

/** An author with a session of one file of three lines, and a reviewer, with what they do to each other. */
export interface ReviewTalk {
  author: TestPerson;
  reviewer: TestPerson;
  session: BuiltSession;
  get(person: TestPerson, path: string): Promise<TestAnswer>;
  post(person: TestPerson, path: string, body?: unknown): Promise<TestAnswer>;
  send(method: string, path: string, request: { as: TestPerson; body?: object; version?: number }): Promise<TestAnswer>;
  /** Submitted, frozen and claimed by the reviewer. */
  claimed(): Promise<FrozenReview>;
  /** Rejects, and submits the next round. */
  nextRound(review: FrozenReview): Promise<FrozenReview>;
  say(person: TestPerson, reviewId: number, said?: Said): Promise<number>;
  conversation(person: TestPerson, reviewId: number): Promise<ShownComment[]>;
  frozenItem(reviewId: number, path: string): Promise<number>;
  item(path: string): Promise<{ id: number; version: number; content: string }>;
  save(path: string, content: string): Promise<void>;
  rename(path: string, name: string): Promise<void>;
  remove(path: string): Promise<void>;
}

/** New people with a new session. */
export async function newTalk(stage: ReviewApi): Promise<ReviewTalk> {
  const { author, reviewer, session } = await stage.newCast();
  const { get, post } = stage;

  const send: ReviewTalk['send'] = (method, path, { as, body, version }) =>
    stage.api.send(method, `/api/v1${path}`, {
      as,
      ...(body === undefined ? {} : { body }),
      headers: version === undefined ? {} : { 'if-match': `"${version}"` },
    });

  async function item(path: string): Promise<{ id: number; version: number; content: string }> {
    const [row] = await stage.api.database.query<{ id: number; version: number; content: string }>(
      'SELECT id, version, content FROM workspace_items WHERE session_id = $1 AND full_path = $2',
      [session.id, path],
    );
    if (row === undefined) throw new Error(`there is no ${path}`);
    return row;
  }

  /** A change of the live session by its author. */
  async function change(path: string, how: { method: string; address?: string; body?: object }): Promise<void> {
    const { id, version } = await item(path);
    const address = `/sessions/${session.uuid}/items/${id}${how.address ?? ''}`;
    const answer = await send(how.method, address, { as: author, version, ...(how.body && { body: how.body }) });
    if (answer.status >= 300) throw new Error(`${how.method} ${path}: ${JSON.stringify(answer.body)}`);
  }

  async function frozenItem(reviewId: number, path: string): Promise<number> {
    const { items } = (await get(author, `/reviews/${reviewId}/items`)).body;
    return items.find((one: { path: string }) => one.path === path).id;
  }

  const submit = (body: Record<string, unknown> = {}): Promise<FrozenReview> =>
    stage.submitAndFreeze({ author, session, body });

  return {
    author,
    reviewer,
    session,
    get,
    post,
    send,
    item,
    frozenItem,
    save: (path, content) => change(path, { method: 'PUT', address: '/content', body: { content } }),
    rename: (path, name) => change(path, { method: 'PATCH', body: { name } }),
    remove: (path) => change(path, { method: 'DELETE' }),
    async claimed() {
      const review = await submit();
      const claim = await post(reviewer, `/reviews/${review.id}/claim`);
      if (claim.status !== 200) throw new Error(`not claimed: ${JSON.stringify(claim.body)}`);
      return review;
    },
    async nextRound(review) {
      const verdict = { expectedSnapshotId: review.snapshotId, summary: 'Please mend what I said and come back.' };
      const rejected = await post(reviewer, `/reviews/${review.id}/reject`, verdict);
      if (rejected.status !== 200) throw new Error(`not rejected: ${JSON.stringify(rejected.body)}`);
      return submit({ previousReviewId: review.id });
    },
    async say(person, reviewId, { text = 'hm', type = 'general', line, end, path = 'main.py', publish = true } = {}) {
      const lines = { lineNumber: line, endLineNumber: end ?? line };
      const place = line === undefined ? {} : { snapshotItemId: await frozenItem(reviewId, path), ...lines };
      const answer = await post(person, `/reviews/${reviewId}/comments`, { text, type, publish, ...place });
      if (answer.status !== 201) throw new Error(`not said: ${JSON.stringify(answer.body)}`);
      return answer.body.id as number;
    },
    async conversation(person, reviewId) {
      const answer = await get(person, `/reviews/${reviewId}/conversation`);
      if (answer.status !== 200) throw new Error(`not read: ${JSON.stringify(answer.body)}`);
      return answer.body.items as ShownComment[];
    },
  };
}
