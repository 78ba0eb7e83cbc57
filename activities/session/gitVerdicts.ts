import type { GitLook } from '#shared/contracts/agentGit.ts';
import { GIT_SESSION_FULL_REASON } from '#shared/domain/gitFolders.ts';
import type { GitFolderRecord } from '#platform/db/repositories/gitFolders.ts';

/** What is to be done about a `.git` folder of the volume. */
export type GitVerdict =
  /** The database holds this very state. */
  | { is: 'saved' }
  /**
   * It is to be saved; `known` is where its bytes are stored already, under another path or among the removed, and `room`
   * how many the session may have.
   */
  | { is: 'due'; known: GitFolderRecord | null; room: number }
  /** It changed a moment ago, or a program is at work in it. */
  | { is: 'waiting' }
  /** The folder around it was moved in the database, and it is to follow to that path. */
  | { is: 'misplaced'; to: string; id: number }
  | { is: 'refused'; reason: string };

/** What is judged: the volume's folders beside the database's. */
export interface GitSides {
  volumeId: number;
  looks: readonly GitLook[];
  records: readonly GitFolderRecord[];
}

/** By what it is judged. */
export interface GitTerms {
  /** A folder that changed more recently waits. */
  quietMs: number;
  /** No program runs any more: nothing is waited for. */
  ended: boolean;
  maxSessionBytes: number;
}

/** Judges one folder of the volume. */
export function judgeGit(look: GitLook, sides: GitSides, terms: GitTerms): GitVerdict {
  const { volumeId, records } = sides;
  const own = records.find(({ path, removedAt }) => path === look.path && removedAt === null) ?? null;
  if (own !== null && isState(own, look, volumeId) && own.volumePath === look.path) return { is: 'saved' };
  const misplaced = own === null ? findMisplaced(look, sides) : null;
  if (misplaced !== null) return { is: 'misplaced', to: misplaced.path, id: misplaced.id };
  if (look.refusal !== null) return { is: 'refused', reason: look.refusal };
  const known = records.find((record) => isState(record, look, volumeId)) ?? null;
  const others = records.filter(({ id, removedAt }) => removedAt === null && id !== own?.id && id !== known?.id);
  const room = terms.maxSessionBytes - others.reduce((sum, { size }) => sum + size, 0);
  if (look.size > room) return { is: 'refused', reason: GIT_SESSION_FULL_REASON };
  if (known !== null) return { is: 'due', known, room };
  const rests = terms.ended || (look.quietMs >= terms.quietMs && !look.locked);
  return rests ? { is: 'due', known: null, room } : { is: 'waiting' };
}

function isState(record: GitFolderRecord, look: GitLook, volumeId: number): boolean {
  return record.volumeId === volumeId && record.fingerprint === look.fingerprint;
}

/** The folder that was last seen on the volume where this one is, whose path has changed in the database since. */
function findMisplaced(look: GitLook, { volumeId, records, looks }: GitSides): GitFolderRecord | null {
  const taken = new Set(looks.map(({ path }) => path));
  const isIt = (record: GitFolderRecord): boolean =>
    record.removedAt === null &&
    record.volumeId === volumeId &&
    record.volumePath === look.path &&
    record.identity === look.identity &&
    record.path !== look.path &&
    !taken.has(record.path);
  return records.find(isIt) ?? null;
}

/** What is to become of the folders of the database that the volume was not found to have. */
export interface GitAbsences {
  /** This volume never had them. */
  toRestore: GitFolderRecord[];
  /** Not found for the first time. */
  missed: GitFolderRecord[];
  /** Not found by two scans. */
  gone: GitFolderRecord[];
  /** Found after all. */
  back: GitFolderRecord[];
}

/** Sorts the folders of the database by whether the volume has them; `isUnknown` tells paths about which the scan says nothing. */
export function judgeGitAbsences(
  { volumeId, looks, records }: GitSides,
  { syncEpoch, isUnknown }: { syncEpoch: number; isUnknown: (path: string) => boolean },
): GitAbsences {
  const present = new Set(looks.map(({ path }) => path));
  const absences: GitAbsences = { toRestore: [], missed: [], gone: [], back: [] };
  for (const record of records) {
    if (record.removedAt !== null) continue;
    const isThere = present.has(record.path);
    if (isThere && record.missingSince !== null) absences.back.push(record);
    if (isThere || isUnknown(record.path)) continue;
    if (record.volumeId !== volumeId) absences.toRestore.push(record);
    // It lies where it was seen last, and is about to follow.
    else if (record.volumePath !== record.path && present.has(record.volumePath)) continue;
    else if (record.missingSince === null) absences.missed.push(record);
    else if (record.missingSince < syncEpoch) absences.gone.push(record);
  }
  return absences;
}
