import type { Tree, TreeEntry } from '#shared/domain/merge.ts';
import { FOLDER } from '#shared/domain/mergeEntry.ts';
import type { Manifest } from '#platform/agent/AgentClient.ts';
import { countMissed, digestTree, judgeManifest, unknownPaths } from '#activities/session/podTree.ts';

const limits = { maxFileBytes: 100, maxSessionBytes: 200, maxSessionItems: 4 };

function file(path: string, size = 10, sha256 = 'a'.repeat(64)): Manifest['entries'][number] {
  return { path, type: 'file', sha256, size, executable: false };
}

function folder(path: string): Manifest['entries'][number] {
  return { path, type: 'folder', sha256: null, size: 0, executable: false };
}

function judge(manifest: Partial<Manifest>, database: Tree = new Map<string, TreeEntry>()) {
  const whole: Manifest = { entries: [], notSaved: [], complete: true, volumeId: 7, bootId: 'boot', ...manifest };
  return judgeManifest(whole, { volumeId: 7, limits, database });
}

describe('a manifest', () => {
  it('is believed about absences only when it is whole and from the right volume', () => {
    expect(judge({}).absenceCounts).toBe(true);
    expect(judge({ complete: false }).absenceCounts).toBe(false);
    expect(judge({ volumeId: null }).absenceCounts).toBe(false);
    expect(judge({ volumeId: 8 }).absenceCounts).toBe(false);
  });

  it.each(['../x', '/etc/passwd', 'a\0b', '.berth-volume', 'x/../../y', ''])('cannot bring in the path %j', (path) => {
    const tree = judge({ entries: [file(path)] });
    expect([...tree.entries.keys()]).toEqual([]);
  });

  it('cannot bring in what has no folder, a folder that is a file, or a digest that is none', () => {
    const entries = [file('a'), file('a/b'), file('c/d'), file('e', 10, 'no digest')];
    expect([...judge({ entries }).entries.keys()]).toEqual(['a']);
  });

  it('is cut at the limits, but never about what has a row already', () => {
    const tree = judge({ entries: [file('big', 101), file('a', 90), file('b', 90), file('c', 30), folder('d')] });
    expect([...tree.entries.keys()]).toEqual(['a', 'b', 'd']);
    expect(tree.notSaved).toEqual([
      { path: 'big', reason: 'too-large' },
      { path: 'c', reason: 'session-full' },
    ]);
    const row: TreeEntry = { type: 'file', sha256: 'a'.repeat(64), executable: false, size: 150 };
    expect(judge({ entries: [file('big', 150)] }, new Map([['big', row]])).entries.has('big')).toBe(true);
    const full = new Map(['1', '2', '3', '4'].map((name) => [name, FOLDER] as const));
    const entries = [...[...full.keys()].map(folder), folder('5')];
    expect(judge({ entries }, full).notSaved).toEqual([{ path: '5', reason: 'too-many' }]);
  });

  it('gives what was renamed the room that it had, once, and only where nothing is any more', () => {
    const full = new Map(['1', '2', '3', '4'].map((name) => [name, FOLDER] as const));
    const moved = (path: string, movedFrom: string) => ({ ...folder(path), movedFrom });
    const [one, two, three] = ['1', '2', '3'].map(folder);
    const entries = [one!, two!, three!, moved('5', '4'), moved('6', '4'), moved('7', '1')];
    const tree = judge({ entries }, full);
    expect(tree.notSaved.map(({ path }) => path)).toEqual(['6', '7']);
    expect([...tree.movedFrom]).toEqual([['5', '4']]);
    expect(judge({ entries, complete: false }, full).movedFrom.size).toBe(0);
  });
});

describe('what is not known', () => {
  it('is what is not saved, with all below it, what changes, and everything when absences do not count', () => {
    const tree = judge({ notSaved: [{ path: 'a', reason: 'ignored' }] });
    tree.changing.add('c');
    const unknown = unknownPaths(tree);
    expect(['a', 'a/b', 'ab', 'b', 'c'].map(unknown)).toEqual([true, true, false, false, true]);
    expect(unknownPaths(judge({ complete: false }))('b')).toBe(true);
  });

  it('is missed by somebody unless it is ignored by default', () => {
    const notSaved = [
      { path: 'node_modules', reason: 'ignored' },
      { path: 'a/__pycache__', reason: 'ignored' },
      { path: 'pipe', reason: 'special' },
      { path: 'big.iso', reason: 'too-large' },
      { path: 'secret.log', reason: 'ignored' },
    ];
    expect(countMissed(notSaved)).toBe(2);
  });
});

describe('the digest of a scan', () => {
  it('tells scans apart by path, bytes, kind and executable bit, not by order', () => {
    const digest = (entries: Manifest['entries']): string => digestTree(judge({ entries }));
    expect(digest([file('a'), file('b')])).toBe(digest([file('b'), file('a')]));
    const all = [
      [file('a')],
      [file('b')],
      [folder('a')],
      [{ ...file('a'), executable: true }],
      [file('a', 10, 'b'.repeat(64))],
    ];
    expect(new Set(all.map(digest)).size).toBe(all.length);
  });
});
