import type { OpenedArchive } from '#api/commands/archives/openArchive.ts';
import type { RefusedEntry } from '#shared/contracts/upload.ts';
import { judgeEntry, type ArchiveEntry } from '#shared/domain/archiveEntry.ts';
import { AppError } from '#shared/domain/errors.ts';
import { findPathProblem } from '#shared/domain/paths.ts';
import type { Config } from '#platform/config/config.ts';

/** Characters of a refused name that are told. */
const SHOWN_NAME = 1_000;

/** An entry that can be imported, and its place in the session. */
export interface Accepted {
  path: string;
  entry: ArchiveEntry;
}

/** What an archive holds, by the number of each entry, and what of it is refused. */
export interface Survey {
  accepted: Map<number, Accepted>;
  refused: RefusedEntry[];
}

/**
 * Judges every entry of an archive before anything of it is written. Throws INVALID_PATH for the folder, and
 * ARCHIVE_TOO_LARGE as soon as it declares more than a session may hold.
 */
export async function surveyArchive(
  limits: Pick<Config, 'MAX_FILE_BYTES' | 'MAX_SESSION_BYTES'>,
  { archive, folder }: { archive: OpenedArchive; folder: string | null },
): Promise<Survey> {
  const place = { folder: requirePlace(folder), maxFileBytes: limits.MAX_FILE_BYTES };
  const survey: Survey = { accepted: new Map(), refused: [] };
  const seen = new Map<string, ArchiveEntry['type']>();
  let index = -1;
  let bytes = 0;
  for await (const { entry } of archive.entries()) {
    index += 1;
    const verdict = judgeEntry(entry, place);
    if (verdict === 'root') continue;
    const problem = 'problem' in verdict ? verdict.problem : findDuplicate(entry, verdict.path, seen);
    if (problem !== null) {
      survey.refused.push({ name: shorten(entry.name), reason: problem });
      continue;
    }
    const { path } = verdict as { path: string };
    seen.set(path, entry.type);
    survey.accepted.set(index, { path, entry });
    bytes += entry.size;
    if (bytes > limits.MAX_SESSION_BYTES) {
      throw new AppError('ARCHIVE_TOO_LARGE', {
        detail: `The archive unpacks to more than ${limits.MAX_SESSION_BYTES} bytes.`,
        data: { limit: limits.MAX_SESSION_BYTES },
      });
    }
  }
  return survey;
}

/** A name may be as long as an archive; a part of it would keep all of it in memory, a copy does not. */
function shorten(name: string): string {
  return name.length <= SHOWN_NAME ? name : `${Buffer.from(name.slice(0, SHOWN_NAME)).toString()}…`;
}

function requirePlace(folder: string | null): string | null {
  if (folder === null || folder === '') return null;
  const problem = findPathProblem(folder);
  if (problem === null) return folder;
  const message = `The path ${problem}.`;
  throw new AppError('INVALID_PATH', { detail: message, errors: [{ path: 'folder', message }] });
}

/** Of two with one name it cannot be told which is meant; a folder may be named twice. */
function findDuplicate(entry: ArchiveEntry, path: string, seen: Map<string, ArchiveEntry['type']>): string | null {
  const before = seen.get(path);
  if (before === undefined || (before === 'folder' && entry.type === 'folder')) return null;
  return 'is in the archive twice';
}
