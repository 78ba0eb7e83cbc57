import { lockTree } from '#api/commands/items/itemChecks.ts';
import type { ItemDeps } from '#api/commands/items/itemDeps.ts';
import { isExpected, openArchive, type OpenedArchive } from '#api/commands/archives/openArchive.ts';
import { surveyArchive, type Accepted } from '#api/commands/archives/surveyArchive.ts';
import { commitArrivals, type StoredArrival } from '#api/commands/uploads/commitArrivals.ts';
import { handOffArrivals } from '#api/commands/uploads/handOffArrivals.ts';
import type { ImportArchive, ImportResult, RefusedEntry } from '#shared/contracts/upload.ts';
import { MAX_NAMED_REFUSALS } from '#shared/domain/uploads.ts';
import type { Placement } from '#shared/domain/arrivals.ts';
import { AppError } from '#shared/domain/errors.ts';
import { describeFile, type FileContent } from '#platform/db/content.ts';
import { storeBlobs } from '#platform/db/repositories/blobs.ts';
import { touchActivity } from '#platform/db/repositories/sessionActivity.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { deleteUpload, type UploadRecord } from '#platform/db/repositories/uploads.ts';

/** So many bytes of unpacked files are stored at once, or one file that is larger. */
const BATCH_BYTES = 4_194_304;

/** An archive that a person uploaded, and where it goes. */
export interface ArchiveImport {
  session: SessionRecord;
  upload: UploadRecord;
  wanted: ImportArchive;
}

/**
 * Unpacks an uploaded archive into the session by one transaction: all of it, or nothing and ARCHIVE_REFUSED with the list
 * of what is wrong, or, where the person chose so, all but what is refused. The upload is gone afterwards when something
 * was imported. Throws UPLOAD_INCOMPLETE, ARCHIVE_UNREADABLE, ARCHIVE_TOO_LARGE as well.
 */
export async function importArchive(deps: ItemDeps, { session, upload, wanted }: ArchiveImport): Promise<ImportResult> {
  requireWhole(upload);
  const archive = await openArchive(deps, upload, wanted.format);
  const refusals = new Refusals(wanted.refused === 'skip');
  const survey = await surveyArchive(deps.config, { archive, folder: wanted.folder });
  refusals.add(survey.refused);
  refusals.settle();
  const arrivals = await unpack(deps, { archive, accepted: survey.accepted, wanted, refusals });
  refusals.settle();
  const done = await deps.database.transaction(async (tx) => {
    const locked = await lockTree(deps.database, session, tx);
    const names = arrivals.map((arrival) => arrival.name);
    const accept = (placements: Placement[]): void => {
      refusals.add(placements.flatMap((placement, index) => nameRefused(placement, names[index]!)));
      refusals.settle();
    };
    const committed = await commitArrivals(deps, { session: locked, userId: upload.userId, arrivals, accept }, tx);
    // The upload is used once: of two imports at the same time one finds it gone.
    if (!(await deleteUpload(deps.database, upload.id, tx))) {
      throw new AppError('NOT_FOUND', { detail: 'The upload was imported already, or cancelled.' });
    }
    return { locked, ...committed };
  });
  await handOffArrivals(deps, done.locked, done);
  await touchActivity(deps.database, session.uuid);
  return { ...count(done.placements, arrivals), folders: done.folders.length, ...refusals.told() };
}

function requireWhole(upload: UploadRecord): void {
  if (upload.purpose === 'file') {
    throw new AppError('UPLOAD_INCOMPLETE', { detail: 'This upload was announced as a file, not as an archive.' });
  }
  if (upload.received === upload.size) return;
  throw new AppError('UPLOAD_INCOMPLETE', {
    detail: `${upload.received} of ${upload.size} bytes are here.`,
    data: { offset: upload.received },
  });
}

type NamedArrival = StoredArrival & { name: string };

/** Stores the bytes of what was accepted, batch by batch, and describes it for the tree. */
async function unpack(
  { database }: ItemDeps,
  work: { archive: OpenedArchive; accepted: Map<number, Accepted>; wanted: ImportArchive; refusals: Refusals },
): Promise<NamedArrival[]> {
  const arrivals: NamedArrival[] = [];
  let held: FileContent[] = [];
  let heldBytes = 0;
  let index = -1;
  for await (const packed of work.archive.entries()) {
    index += 1;
    const accepted = work.accepted.get(index);
    if (accepted === undefined) continue;
    const content = await contentOf(accepted, packed, work.refusals);
    if (content === null) continue;
    arrivals.push(arrivalOf(accepted, content, work.wanted));
    if (accepted.entry.type === 'folder') continue;
    held.push(content);
    heldBytes += content.size;
    if (heldBytes < BATCH_BYTES) continue;
    await storeBlobs(database, held);
    [held, heldBytes] = [[], 0];
  }
  await storeBlobs(database, held);
  return arrivals;
}

/** The bytes of an accepted entry; null, and the entry is refused, when it is not what it declares. */
async function contentOf(
  { entry }: Accepted,
  packed: { read(): Promise<Buffer> },
  refusals: Refusals,
): Promise<FileContent | null> {
  if (entry.type === 'folder') return describeFile(Buffer.alloc(0));
  if (entry.type === 'symlink') return { ...describeFile(Buffer.from(entry.target ?? '')), encoding: 'symlink' };
  try {
    return describeFile(await packed.read());
  } catch (error) {
    if (!isExpected(error)) throw error;
    refusals.add([{ name: entry.name, reason: error.problem }]);
    return null;
  }
}

function arrivalOf({ path, entry }: Accepted, content: FileContent, { conflict }: ImportArchive): NamedArrival {
  const { type, executable, name } = entry;
  const { sha256, size, encoding } = content;
  const place = { name, path, conflict, expectedVersion: 'any' as const };
  if (type === 'folder') return { ...place, type, sha256: null, size: 0, encoding: 'utf8', executable: null };
  return { ...place, type: type === 'symlink' ? type : 'file', sha256, size, encoding, executable };
}

function nameRefused(placement: Placement, name: string): RefusedEntry[] {
  return placement.outcome === 'refused' ? [{ name, reason: placement.reason }] : [];
}

function count(placements: Placement[], arrivals: NamedArrival[]): Pick<ImportResult, 'files' | 'same' | 'skipped'> {
  const counted = { files: 0, same: 0, skipped: 0 };
  for (const [index, { outcome }] of placements.entries()) {
    if (arrivals[index]!.type === 'folder') continue;
    if (outcome === 'made' || outcome === 'replaced') counted.files += 1;
    else if (outcome === 'same' || outcome === 'skipped') counted[outcome] += 1;
  }
  return counted;
}

/** What cannot be imported: the end of the import, unless the person chose to leave it out. */
class Refusals {
  readonly #skip: boolean;
  #refused: RefusedEntry[] = [];

  constructor(skip: boolean) {
    this.#skip = skip;
  }

  add(refused: RefusedEntry[]): void {
    this.#refused = [...this.#refused, ...refused];
  }

  /** Throws ARCHIVE_REFUSED when something is refused and may not be left out. */
  settle(): void {
    if (this.#skip || this.#refused.length === 0) return;
    const [first] = this.#refused;
    const more = this.#refused.length > 1 ? `, and ${this.#refused.length - 1} more` : '';
    throw new AppError('ARCHIVE_REFUSED', {
      detail: `${first!.name.slice(0, 200)} ${first!.reason}${more}. Nothing was imported.`,
      data: { ...this.told() },
    });
  }

  told(): Pick<ImportResult, 'refused' | 'refusedCount'> {
    return { refused: this.#refused.slice(0, MAX_NAMED_REFUSALS), refusedCount: this.#refused.length };
  }
}
