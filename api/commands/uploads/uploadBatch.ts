import { lockTree } from '#api/commands/items/itemChecks.ts';
import type { ItemDeps } from '#api/commands/items/itemDeps.ts';
import { commitArrivals, type StoredArrival } from '#api/commands/uploads/commitArrivals.ts';
import { handOffArrivals } from '#api/commands/uploads/handOffArrivals.ts';
import { BatchHeader } from '#shared/contracts/upload.ts';
import { MAX_BATCH_FILES } from '#shared/domain/uploads.ts';
import type { Placement } from '#shared/domain/arrivals.ts';
import { AppError } from '#shared/domain/errors.ts';
import { describeFile } from '#platform/db/content.ts';
import { storeBlobs } from '#platform/db/repositories/blobs.ts';
import { touchActivity } from '#platform/db/repositories/sessionActivity.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';

const MAX_HEADER_BYTES = 16_384;
const LENGTH_BYTES = 4;

interface BatchFile {
  header: ReturnType<typeof BatchHeader.parse>;
  bytes: Buffer;
}

/**
 * Takes in many small files by one transaction. A file that is refused holds no other back; a body that cannot be read
 * is refused as a whole (MALFORMED_BODY, INVALID_INPUT). An open session's volume is told of them at once.
 */
export async function uploadBatch(
  deps: ItemDeps,
  { session, userId, body }: { session: SessionRecord; userId: number; body: Buffer },
): Promise<Placement[]> {
  const { database } = deps;
  const files = parseBatch(body);
  const contents = files.map(({ header, bytes }) => (header.type === 'folder' ? null : describeFile(bytes)));
  await storeBlobs(
    database,
    contents.filter((content) => content !== null),
  );
  const arrivals = files.map(({ header }, index): StoredArrival => {
    const { path, type, conflict, executable = null, version = null } = header;
    const { sha256 = null, size = 0, encoding = 'utf8' } = contents[index] ?? {};
    return { path, type, sha256, size, encoding, executable, conflict, expectedVersion: version };
  });
  const { locked, committed } = await database.transaction(async (tx) => {
    const row = await lockTree(database, session, tx);
    return { locked: row, committed: await commitArrivals(deps, { session: row, userId, arrivals }, tx) };
  });
  await handOffArrivals(deps, locked, committed);
  await touchActivity(database, session.uuid);
  return committed.placements;
}

/** The files of a batch. Throws MALFORMED_BODY where its lengths do not add up, INVALID_INPUT for a wrong header. */
export function parseBatch(body: Buffer): BatchFile[] {
  const files: BatchFile[] = [];
  for (let position = 0; position < body.length;) {
    if (files.length === MAX_BATCH_FILES) throw malformed(`holds more than ${MAX_BATCH_FILES} files`);
    if (position + LENGTH_BYTES > body.length) throw malformed('ends within a length');
    const headerEnd = position + LENGTH_BYTES + body.readUInt32BE(position);
    if (headerEnd - position - LENGTH_BYTES > MAX_HEADER_BYTES) throw malformed('has a header that is too long');
    const header = readHeader(body.subarray(position + LENGTH_BYTES, headerEnd), files.length);
    const end = headerEnd + header.size;
    if (end > body.length) throw malformed(`ends within file ${files.length + 1}`);
    files.push({ header, bytes: body.subarray(headerEnd, end) });
    position = end;
  }
  return files;
}

function readHeader(bytes: Buffer, index: number): BatchFile['header'] {
  const parsed = BatchHeader.safeParse(readJson(bytes));
  if (parsed.success && !(parsed.data.type === 'folder' && parsed.data.size > 0)) return parsed.data;
  const issues = parsed.success ? [{ path: ['size'], message: 'a folder has no bytes' }] : parsed.error.issues;
  const errors = issues.map(({ path, message }) => ({ path: [index, ...path].map(String).join('.'), message }));
  throw new AppError('INVALID_INPUT', { detail: `The header of file ${index + 1} is not valid.`, errors });
}

function readJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new AppError('MALFORMED_BODY', { detail: 'A header of the batch is not JSON.', cause });
  }
}

function malformed(problem: string): AppError {
  return new AppError('MALFORMED_BODY', { detail: `The batch ${problem}.` });
}
