import { lockTree } from '#api/commands/items/itemChecks.ts';
import type { ItemDeps } from '#api/commands/items/itemDeps.ts';
import { handOffCommitted } from '#api/commands/items/handOffChange.ts';
import { commitArrivals, type StoredArrival } from '#api/commands/uploads/commitArrivals.ts';
import { refusalOf } from '#api/commands/uploads/refusals.ts';
import type { UploadConflict } from '#shared/contracts/upload.ts';
import { AppError } from '#shared/domain/errors.ts';
import { isReachablePhase } from '#shared/domain/session.ts';
import { ContentMeter, type FileContent } from '#platform/db/content.ts';
import type { Tx } from '#platform/db/database.ts';
import { readBlobs } from '#platform/db/repositories/blobs.ts';
import { findItem, findItemByPath, type ItemRecord } from '#platform/db/repositories/items.ts';
import { touchActivity } from '#platform/db/repositories/sessionActivity.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import {
  completeUploadRow,
  deleteUpload,
  lockUpload,
  storeUploadAsBlob,
  type UploadRecord,
} from '#platform/db/repositories/uploads.ts';
import { uploadParts } from '#platform/db/uploadBytes.ts';

/** An upload whose bytes are all here, and how it may take its place. */
export interface Completion {
  session: SessionRecord;
  upload: UploadRecord;
  conflict: UploadConflict;
  expectedVersion: number | null;
}

/** An upload and the item that it became; the item is null when it was deleted since. */
export interface Completed {
  upload: UploadRecord;
  item: ItemRecord | null;
}

type Measured = Omit<FileContent, 'bytes'>;

/**
 * Makes the uploaded file a file of the session, in one transaction; once more gives the same answer. Throws
 * UPLOAD_INCOMPLETE, UPLOAD_DIGEST (and the upload is gone), and what createUpload throws about the place: then the bytes
 * stay, and another try may name another rule.
 */
export async function completeUpload(deps: ItemDeps, completion: Completion): Promise<Completed> {
  const { database } = deps;
  const { session, upload } = completion;
  if (upload.completedAt !== null) return { upload, item: await findResult(deps, upload) };
  if (upload.received < upload.size) {
    throw new AppError('UPLOAD_INCOMPLETE', {
      detail: `${upload.received} of ${upload.size} bytes are here.`,
      data: { offset: upload.received },
    });
  }
  const content = await measure(deps, upload);
  await storeUploadAsBlob(database, { uploadId: upload.id, sha256: content.sha256 });
  const done = await commit(deps, completion, content);
  if (done.changed && done.item !== null) await handOff(deps, { locked: done.locked, item: done.item, content });
  await touchActivity(database, session.uuid);
  return { upload: done.upload, item: done.item };
}

async function measure({ database }: ItemDeps, upload: UploadRecord): Promise<Measured> {
  const meter = new ContentMeter();
  for await (const bytes of uploadParts(database, upload)) meter.add(bytes);
  const content = meter.finish();
  if (content.size !== upload.size) throw new AppError('NOT_FOUND', { detail: 'The upload was cancelled.' });
  if (upload.sha256 === null || upload.sha256 === content.sha256) return content;
  await deleteUpload(database, upload.id);
  throw new AppError('UPLOAD_DIGEST', {
    detail: `What came has the SHA-256 ${content.sha256}, not ${upload.sha256}.`,
    data: { sha256: content.sha256 },
  });
}

type Committed = Completed & { locked: SessionRecord; changed: boolean };

async function commit(deps: ItemDeps, completion: Completion, content: Measured): Promise<Committed> {
  const { database } = deps;
  const { session, upload, conflict, expectedVersion } = completion;
  const { path, executable, userId } = upload;
  const arrival: StoredArrival = { path, type: 'file', ...content, executable, conflict, expectedVersion };
  return database.transaction(async (tx) => {
    const locked = await lockTree(database, session, tx);
    const present = await lockUpload(database, upload.id, tx);
    if (present === null) throw new AppError('NOT_FOUND', { detail: 'The upload was cancelled.' });
    if (present.completedAt !== null) {
      // Another request completed it in between: its item is the answer, and is handed on by that request.
      return { locked, upload: present, item: await findResult(deps, present, tx), changed: false };
    }
    const batch = { session: locked, userId, arrivals: [arrival] };
    const { placements, files } = await commitArrivals(deps, batch, tx);
    const placement = placements[0]!;
    if (placement.outcome === 'refused') throw refusalOf(placement);
    const item = await findItemByPath(database, { sessionId: locked.id, path: placement.path }, tx);
    if (item === null) throw new Error(`${placement.path} was not written.`);
    const completed = await completeUploadRow(database, { id: upload.id, itemId: item.id }, tx);
    return { locked, upload: completed, item, changed: files.length > 0 };
  });
}

async function findResult({ database }: ItemDeps, upload: UploadRecord, tx: Tx = null): Promise<ItemRecord | null> {
  return upload.itemId === null ? null : findItem(database, { sessionId: upload.sessionId, id: upload.itemId }, tx);
}

/** The folders above the file come with it: the agent makes what is missing, and the reconcile notes them. */
async function handOff(
  deps: ItemDeps,
  { locked, item, content }: { locked: SessionRecord; item: ItemRecord; content: Measured },
): Promise<void> {
  if (!isReachablePhase(locked.phase)) return;
  const bytes = (await readBlobs(deps.database, [content.sha256])).get(content.sha256);
  if (bytes !== undefined)
    await handOffCommitted(deps, locked, { kind: 'write', item, content: { ...content, bytes } });
}
