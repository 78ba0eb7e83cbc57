import { setImmediate as turn } from 'node:timers/promises';
import { byteBatches } from '#api/commands/reviews/byteBatches.ts';
import type { Database } from '#platform/db/database.ts';
import { readBlobs } from '#platform/db/repositories/blobs.ts';
import type { ConversationRecord } from '#platform/db/repositories/reviewConversation.ts';
import { findKnownItems } from '#platform/db/repositories/reviewTrees.ts';
import { listSnapshotItems, type SnapshotItemRecord } from '#platform/db/repositories/snapshots.ts';
import type { CommentPlace } from '#shared/contracts/reviewConversation.ts';
import {
  compareLines,
  indexPlaces,
  MAX_PORTED_BYTES,
  portRange,
  samePlace,
  type ComparedLines,
} from '#shared/domain/commentPorting.ts';

/** So many comments are found without a pause; each takes milliseconds at most. */
const COMMENTS_A_TURN = 10;

const ON_THE_WHOLE: CommentPlace = {
  state: 'exact',
  snapshotItemId: null,
  path: null,
  lineNumber: null,
  endLineNumber: null,
};

/** Comments on lines of one file that became another text. */
interface ChangedFile {
  before: string;
  after: string;
  bytes: number;
  target: SnapshotItemRecord;
  comments: ConversationRecord[];
}

/** Finds where each comment stands in the snapshot, by its id. Comments themselves stay as they are. */
export async function portComments(
  database: Database,
  snapshotId: number,
  comments: readonly ConversationRecord[],
): Promise<Map<number, CommentPlace>> {
  const items = await listSnapshotItems(database, snapshotId);
  const targets = await findTargets(database, items, comments);
  const places = new Map<number, CommentPlace>();
  const changed = new Map<string, ChangedFile>();
  for (const comment of comments) {
    const target = targets.get(comment.id) ?? null;
    places.set(comment.id, placeWithoutTexts(comment, target));
    const file = target === null ? null : changedFile(comment, target);
    if (file === null) continue;
    const key = `${file.before}:${file.target.id}`;
    const known = changed.get(key) ?? file;
    known.comments.push(comment);
    changed.set(key, known);
  }
  for (const batch of byteBatches([...changed.values()], ({ bytes }) => bytes))
    await portBatch(database, batch, places);
  return places;
}

/** The file of the snapshot that each comment is about. */
async function findTargets(
  database: Database,
  items: readonly SnapshotItemRecord[],
  comments: readonly ConversationRecord[],
): Promise<Map<number, SnapshotItemRecord>> {
  const index = indexPlaces(items);
  const origins = comments.flatMap(({ id, path, snapshotId, origin }) =>
    path === null || snapshotId === null || origin === null ? [] : [{ id, path, snapshotId, itemId: origin.itemId }],
  );
  const doubtful = origins.flatMap(({ itemId, path, snapshotId }) => {
    const there = index.byItem.has(itemId) ? undefined : index.byPath.get(path);
    return there === undefined ? [] : [{ snapshotId, itemId: there.itemId }];
  });
  const known = await findKnownItems(database, doubtful);
  return new Map(
    origins.flatMap(({ id, snapshotId, ...place }) => {
      const target = samePlace(place, index, (itemId) => known.has(`${snapshotId}:${itemId}`));
      return target === null ? [] : [[id, target] as const];
    }),
  );
}

/** The place as far as it is known without reading the file: on unchanged bytes the lines stay, on others the file is left. */
function placeWithoutTexts(comment: ConversationRecord, target: SnapshotItemRecord | null): CommentPlace {
  if (comment.path === null) return ON_THE_WHOLE;
  if (target === null) return { ...ON_THE_WHOLE, state: 'outdated' };
  const file = { ...ON_THE_WHOLE, snapshotItemId: target.id, path: target.path };
  if (comment.lineNumber === null) return file;
  if (comment.origin?.sha256 !== target.sha256) return { ...file, state: 'outdated' };
  return { ...file, lineNumber: comment.lineNumber, endLineNumber: comment.endLineNumber };
}

/** The texts that the place of a comment on lines depends on; null where nothing has to be read, or is too large to be. */
function changedFile(comment: ConversationRecord, target: SnapshotItemRecord): ChangedFile | null {
  const { origin, lineNumber } = comment;
  if (lineNumber === null || origin === null || origin.sha256 === target.sha256) return null;
  if (origin.sha256 === null || target.sha256 === null) return null;
  const isText = [origin, target].every(({ encoding, size }) => encoding === 'utf8' && size <= MAX_PORTED_BYTES);
  if (!isText) return null;
  return { before: origin.sha256, after: target.sha256, bytes: origin.size + target.size, target, comments: [] };
}

async function portBatch(database: Database, files: ChangedFile[], places: Map<number, CommentPlace>): Promise<void> {
  const digests = [...new Set(files.flatMap(({ before, after }) => [before, after]))];
  const blobs = await readBlobs(database, digests);
  for (const { before, after, target, comments } of files) {
    const texts = [blobs.get(before), blobs.get(after)] as const;
    if (texts[0] === undefined || texts[1] === undefined) continue;
    const compared = compareLines(texts[0].toString('utf8'), texts[1].toString('utf8'));
    for (const [index, comment] of comments.entries()) {
      // Somebody else's requests come between the files, and between many comments on one.
      if (index % COMMENTS_A_TURN === 0) await turn();
      places.set(comment.id, placeIn(comment, { target, compared }));
    }
  }
}

function placeIn(
  comment: ConversationRecord,
  { target, compared }: { target: SnapshotItemRecord; compared: ComparedLines },
): CommentPlace {
  const first = comment.lineNumber ?? 1;
  const { state, range } = portRange({ first, last: comment.endLineNumber ?? first }, compared);
  const file = { snapshotItemId: target.id, path: target.path };
  return { state, ...file, lineNumber: range?.first ?? null, endLineNumber: range?.last ?? null };
}
