import type { GitLook } from '#shared/contracts/agentGit.ts';
import type { GitFolderRecord } from '#platform/db/repositories/gitFolders.ts';
import { judgeGit, judgeGitAbsences } from '#activities/session/gitVerdicts.ts';

const VOLUME = 7;
const terms = { quietMs: 30_000, ended: false, maxSessionBytes: 1_000 };

const look = (changes: Partial<GitLook> = {}): GitLook => ({
  path: 'a/.git',
  fingerprint: 'now',
  identity: 'inode',
  size: 100,
  quietMs: 60_000,
  locked: false,
  refusal: null,
  ...changes,
});
const record = (changes: Partial<GitFolderRecord> = {}): GitFolderRecord => ({
  id: 1,
  path: 'a/.git',
  packId: 1,
  size: 100,
  sha256: 'x',
  volumeId: VOLUME,
  volumePath: changes.path ?? 'a/.git',
  fingerprint: 'now',
  identity: 'inode',
  missingSince: null,
  removedAt: null,
  savedAt: new Date(0),
  ...changes,
});
const judge = (seen: GitLook, records: GitFolderRecord[], changes: Partial<typeof terms> = {}) =>
  judgeGit(seen, { volumeId: VOLUME, looks: [seen], records }, { ...terms, ...changes });

describe('a .git folder of the volume', () => {
  it('is saved when the database holds this state of this volume', () => {
    expect(judge(look(), [record()])).toEqual({ is: 'saved' });
    expect(judge(look(), [record({ volumeId: 6 })])).toMatchObject({ is: 'due', known: null });
    expect(judge(look(), [record({ fingerprint: 'before' })])).toMatchObject({ is: 'due', known: null });
  });

  it('waits for its quiet time and for a lock, but not at the end', () => {
    expect(judge(look({ quietMs: 29_999 }), [])).toEqual({ is: 'waiting' });
    expect(judge(look({ locked: true }), [])).toEqual({ is: 'waiting' });
    expect(judge(look({ locked: true, quietMs: 0 }), [], { ended: true })).toMatchObject({ is: 'due', known: null });
  });

  it('that is saved already, under another path or among the removed, waits for nothing', () => {
    const moved = record({ path: 'b/.git' });
    // Its old path is free: it was moved on the volume.
    expect(judge(look({ quietMs: 0 }), [{ ...moved, volumePath: 'b/.git' }])).toMatchObject({
      is: 'due',
      known: moved,
    });
    const removed = record({ removedAt: new Date() });
    expect(judge(look({ quietMs: 0 }), [removed])).toMatchObject({ is: 'due', known: removed });
  });

  it('follows to where the database has moved the folder around it, unless something is there', () => {
    const moved = record({ path: 'b/.git', volumePath: 'a/.git' });
    expect(judge(look(), [moved])).toEqual({ is: 'misplaced', to: 'b/.git', id: 1 });
    const sides = { volumeId: VOLUME, looks: [look(), look({ path: 'b/.git' })], records: [moved] };
    expect(judgeGit(look(), sides, terms).is).toBe('due');
    expect(judge(look({ identity: 'another' }), [{ ...moved, fingerprint: 'before' }]).is).toBe('due');
  });

  it('is refused with the reason that the agent gives, or when the session has no room', () => {
    expect(judge(look({ refusal: 'git-too-large' }), [])).toEqual({ is: 'refused', reason: 'git-too-large' });
    const other = record({ id: 2, path: 'b/.git', fingerprint: 'other', size: 901 });
    expect(judge(look(), [other])).toEqual({ is: 'refused', reason: 'git-session-full' });
    expect(judge(look(), [{ ...other, removedAt: new Date() }])).toMatchObject({ is: 'due', known: null });
    expect(judge(look(), [{ ...other, size: 600 }])).toMatchObject({ is: 'due', room: 400 });
    // Its own earlier state makes room for it.
    expect(judge(look(), [{ ...other, path: 'a/.git' }])).toMatchObject({ is: 'due', room: 1_000 });
  });
});

describe('a .git folder of the database that the volume was not found to have', () => {
  const judgeAbsent = (records: GitFolderRecord[], more: { looks?: GitLook[]; unknown?: string[] } = {}) =>
    judgeGitAbsences(
      { volumeId: VOLUME, looks: more.looks ?? [], records },
      { syncEpoch: 5, isUnknown: (path) => more.unknown?.includes(path) ?? false },
    );
  const nothing = { toRestore: [], missed: [], gone: [], back: [] };

  it('is missed first, and gone with the next scan', () => {
    expect(judgeAbsent([record()])).toEqual({ ...nothing, missed: [record()] });
    const missed = record({ missingSince: 4 });
    expect(judgeAbsent([missed])).toEqual({ ...nothing, gone: [missed] });
    const sameScan = record({ missingSince: 5 });
    expect(judgeAbsent([sameScan])).toEqual(nothing);
  });

  it('is back when it is found, and nothing at all while the scan says nothing about it', () => {
    const missed = record({ missingSince: 4 });
    expect(judgeAbsent([missed], { looks: [look()] })).toEqual({ ...nothing, back: [missed] });
    expect(judgeAbsent([missed], { unknown: ['a/.git'] })).toEqual(nothing);
    expect(judgeAbsent([record({ removedAt: new Date() })])).toEqual(nothing);
  });

  it('is restored where this volume never had it, and left where it is about to follow', () => {
    const foreign = record({ volumeId: null });
    expect(judgeAbsent([foreign])).toEqual({ ...nothing, toRestore: [foreign] });
    const moved = record({ path: 'b/.git', volumePath: 'a/.git' });
    expect(judgeAbsent([moved], { looks: [look()] })).toEqual(nothing);
  });
});
