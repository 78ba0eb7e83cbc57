import { manifestHash } from '#platform/db/repositories/snapshots.ts';
import { build, type BuiltItem } from '#tests/support/factories.ts';
import type { TestApi, TestPerson } from '#tests/support/testApi.ts';

/** What one person has, fresh for every case. */
export interface Belongings {
  uuid: string;
  /** Another session of the person, in the trash. */
  trashedUuid: string;
  itemId: number;
  /** A file in the trash of the session. */
  deletedItemId: number;
  uploadId: string;
  versionId: number;
  reviewId: number;
  snapshotItemId: number;
  commentId: number;
  tokenId: number;
  gitFolderId: number;
  runId: number;
  /** A run in the person's throw-away copy of the review's snapshot, which has ended. */
  receiptId: number;
  recordingId: string;
  port: number;
  linkId: string;
  templateId: number;
}

/** Makes one of everything that can belong to a person. */
export async function belongingsOf(api: TestApi, person: TestPerson): Promise<Belongings> {
  const { database } = api;
  const session = await build.session(database, { userId: person.id });
  const file = await build.file(database, { sessionId: session.id, name: 'main.py' });
  const deleted = await build.file(database, { sessionId: session.id, name: 'deleted.py' });
  await database.query('DELETE FROM workspace_items WHERE id = $1', [deleted.id]);
  const trashed = await build.session(database, { userId: person.id });
  await database.query('UPDATE sessions SET deleted_at = now() WHERE id = $1', [trashed.id]);
  const [version] = await database.query<{ id: number }>('SELECT id::int FROM file_versions WHERE item_id = $1', [
    file.id,
  ]);
  const frozen = await freeze(api, { sessionId: session.id, file, userId: person.id });
  const given = { sessionUuid: session.uuid, submittedBy: person.id, snapshotId: frozen.snapshotId };
  const review = await build.review(database, given);
  const [comment] = await database.query<{ id: number }>(
    `INSERT INTO review_comments (review_request_id, commenter_id, comment_text) VALUES ($1, $2, 'a draft') RETURNING id`,
    [review.id, person.id],
  );
  const [upload] = await database.query<{ id: string }>(
    `INSERT INTO uploads (session_id, user_id, purpose, path, size, conflict)
     VALUES ($1, $2, 'file', 'half.bin', 2, 'fail') RETURNING id`,
    [session.id, person.id],
  );
  const command = {
    line: 'true',
    file: null,
    arguments: [],
    argv: ['true'],
    folder: '',
    environment: [],
    stdinBytes: 0,
  };
  const insertRun = async (sessionId: number): Promise<number> => {
    const [run] = await database.query<{ id: number }>(
      `INSERT INTO runs (session_id, requested_by, command, input, time_limit_seconds, output_limit_bytes)
       VALUES ($1, $2, $3, '{}', 60, 1024) RETURNING id`,
      [sessionId, person.id, JSON.stringify(command)],
    );
    return run!.id;
  };
  const [copy] = await database.query<{ id: number }>(
    `INSERT INTO sessions (user_id, name, kind, generation, source_snapshot_id, review_request_id)
     VALUES ($1, 'copy', 'review_run', 1, $2, $3) RETURNING id`,
    [person.id, frozen.snapshotId, review.id],
  );
  const [template] = await database.query<{ id: number }>(
    `INSERT INTO templates (user_id, name, language, items, bytes) VALUES ($1, 'web', 'python', 0, 0) RETURNING id`,
    [person.id],
  );
  const body = { name: 'ci', scopes: ['read'] };
  const token = await api.send('POST', '/api/v1/tokens', { as: person, body });
  return {
    uuid: session.uuid,
    trashedUuid: trashed.uuid,
    itemId: file.id,
    deletedItemId: deleted.id,
    uploadId: upload!.id,
    versionId: version!.id,
    reviewId: review.id,
    snapshotItemId: frozen.snapshotItemId,
    commentId: comment!.id,
    tokenId: token.body.id,
    gitFolderId: await build.gitFolder(database, { sessionId: session.id, path: '.git', removed: true }),
    runId: await insertRun(session.id),
    receiptId: await insertRun(copy!.id),
    templateId: template!.id,
    recordingId: await record(api, session.id),
    port: 8000,
    linkId: await share(api, session.id),
  };
}

async function record(api: TestApi, sessionId: number): Promise<string> {
  const [recording] = await api.database.query<{ id: string }>(
    `INSERT INTO recordings (id, session_id, terminal_id, terminal_name, with_input, ended_at, end_reason, seconds, content)
     VALUES (gen_random_uuid(), $1, 'terminal-1', 'shell', false, now(), 'stopped', 0, 'x') RETURNING id`,
    [sessionId],
  );
  return recording!.id;
}

async function share(api: TestApi, sessionId: number): Promise<string> {
  const [link] = await api.database.query<{ id: string }>(
    `INSERT INTO preview_links (session_id, port, expires_at) VALUES ($1, 8000, now() + interval '1 hour') RETURNING id`,
    [sessionId],
  );
  return link!.id;
}

/** A snapshot is sealed with the transaction that made it. */
function freeze(
  api: TestApi,
  { sessionId, file, userId }: { sessionId: number; file: BuiltItem; userId: number },
): Promise<{ snapshotId: number; snapshotItemId: number }> {
  const entry = { path: file.fullPath, type: 'file' as const, executable: false, sha256: file.sha256 };
  return api.database.transaction(async (tx) => {
    const [snapshot] = await api.database.query<{ id: number }>(
      `INSERT INTO snapshots (session_id, manifest_hash, created_by) VALUES ($1, $2, $3) RETURNING id`,
      [sessionId, manifestHash([entry]), userId],
      tx,
    );
    const [item] = await api.database.query<{ id: number }>(
      `INSERT INTO snapshot_items (snapshot_id, item_id, path, type, encoding, sha256)
       VALUES ($1, $2, $3, 'file', 'utf8', $4) RETURNING id`,
      [snapshot!.id, file.id, file.fullPath, file.sha256],
      tx,
    );
    return { snapshotId: snapshot!.id, snapshotItemId: item!.id };
  });
}
