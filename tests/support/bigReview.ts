import type { Database } from '#platform/db/database.ts';
import { readTree, writeTree } from '#platform/db/repositories/itemBatches.ts';
import { storeBlobs } from '#platform/db/repositories/blobs.ts';
import { describeFile } from '#platform/db/content.ts';
import { createSnapshot } from '#platform/db/repositories/snapshots.ts';
import { build } from '#tests/support/factories.ts';

/** How many files a big review has, and how many comments. */
export const BIG_FILES = 1_000;
/** Comments of a big review, one on each of its first files. */
export const BIG_COMMENTS = 500;
const LINES = 200;
/** The line that each comment is on, counted from 1. */
export const COMMENTED_LINE = 100;

/** Two rounds over a thousand files of two hundred lines; five hundred comments are on the first. */
export interface BigReview {
  authorId: number;
  firstReviewId: number;
  secondReviewId: number;
  secondSnapshotId: number;
}

/** What the round has of a file: its lines, as `name line n`. */
export function bigFile(index: number, round: 1 | 2): string {
  const name = `file-${index}`;
  const lines = Array.from({ length: LINES }, (_, line) => `${name} line ${line + 1}`);
  if (round === 2) {
    // Three lines come before the comment and one goes after it; every fifth commented line changes, and every seventh file stays.
    if (index % 7 === 0) return `${lines.join('\n')}\n`;
    if (index % 5 === 0) lines[COMMENTED_LINE - 1] = `${name} has changed`;
    lines.splice(150, 1);
    lines.splice(20, 0, 'new 1', 'new 2', 'new 3');
  }
  return `${lines.join('\n')}\n`;
}

/** Writes it all, with the second round open. */
export async function makeBigReview(database: Database): Promise<BigReview> {
  const author = await build.user(database);
  const reviewer = await build.user(database, { reviewerLevel: 1 });
  const session = await build.session(database, { userId: author.id });
  const first = await freezeRound(database, session.id, 1);
  const given = { sessionUuid: session.uuid, submittedBy: author.id };
  const firstReview = await build.review(database, { ...given, snapshotId: first });
  await database.query(
    `INSERT INTO review_comments (review_request_id, commenter_id, snapshot_id, path, line_number, end_line_number,
       quoted_text, comment_text, comment_type, published_at)
     SELECT $1, $2, $3, 'file-' || n, $4, $4, 'file-' || n || ' line ' || $4::int, 'comment ' || n, 'question', now()
     FROM generate_series(0, $5::int - 1) n`,
    [firstReview.id, reviewer.id, first, COMMENTED_LINE, BIG_COMMENTS],
  );
  await database.query(`UPDATE review_requests SET withdrawn_at = now() WHERE id = $1`, [firstReview.id]);
  const second = await freezeRound(database, session.id, 2);
  const secondReview = await build.review(database, { ...given, snapshotId: second });
  await database.query('UPDATE review_requests SET round = 2, previous_review_id = $2 WHERE id = $1', [
    secondReview.id,
    firstReview.id,
  ]);
  return {
    authorId: author.id,
    firstReviewId: firstReview.id,
    secondReviewId: secondReview.id,
    secondSnapshotId: second,
  };
}

async function freezeRound(database: Database, sessionId: number, round: 1 | 2): Promise<number> {
  const contents = Array.from({ length: BIG_FILES }, (_, index) => ({
    path: `file-${index}`,
    content: describeFile(Buffer.from(bigFile(index, round))),
  }));
  await storeBlobs(
    database,
    contents.map(({ content }) => content),
  );
  return database.transaction(async (tx) => {
    await database.query('SELECT 1 FROM sessions WHERE id = $1 FOR UPDATE', [sessionId], tx);
    const files = contents.map(({ path, content: { sha256, encoding, size } }) => ({
      path,
      sha256,
      encoding,
      size,
      executable: false,
      source: 'terminal' as const,
    }));
    const rows = await readTree(database, sessionId, tx);
    await writeTree(database, { sessionId, rows, removed: [], folders: [], files }, tx);
    return (await createSnapshot(database, { sessionId, createdBy: null }, tx)).id;
  });
}
