import fc from 'fast-check';
import { conflictCopyPath } from '#shared/domain/conflictName.ts';
import { contestedPaths, judgeDeletions, planMerge, type Tree, type TreeEntry } from '#shared/domain/merge.ts';
import { FOLDER, sameEntry } from '#shared/domain/mergeEntry.ts';
import { decodeText, joinTexts, mergeText } from '#shared/domain/mergeText.ts';
import { findPathProblem } from '#shared/domain/paths.ts';
import type { Renames } from '#shared/domain/renames.ts';
import { findTreeFaults, shortPath, Simulation, type Edit } from '#tests/support/mergeSimulation.ts';
import { scaled, SEED } from '#tests/support/scale.ts';

const AT = new Date('2026-11-22T18:30:05Z');

function file(name: string, executable = false): TreeEntry {
  return { type: 'file', sha256: name.padEnd(64, '0'), executable, size: 10 };
}

function plan(
  trees: { base?: Tree; database?: Tree; pod?: Tree },
  more: { unknown?: string[]; notSaved?: string[] } = {},
) {
  const { base = new Map(), database = new Map(), pod = new Map() } = trees;
  return planMerge({
    base,
    database,
    pod,
    unknown: (path) => more.unknown?.includes(path) ?? false,
    notSaved: more.notSaved ?? [],
    merged: new Map(),
    at: AT,
  });
}

const tree = (entries: Record<string, TreeEntry>): Tree => new Map(Object.entries(entries));

describe('the merge of one path', () => {
  it('takes the side that changed', () => {
    const base = tree({ a: file('1') });
    expect(plan({ base, database: tree({ a: file('2') }), pod: base }).target.get('a')).toEqual(file('2'));
    expect(plan({ base, database: base, pod: tree({ a: file('2') }) }).target.get('a')).toEqual(file('2'));
    expect(plan({ base, database: base, pod: tree({}) }).databaseChanges.removed).toEqual(['a']);
    expect(plan({ base, database: tree({}), pod: base }).podChanges.removed).toEqual(['a']);
  });

  it('keeps an edit over a deletion, whichever side edited', () => {
    const base = tree({ a: file('1') });
    const edited = tree({ a: file('2') });
    expect(plan({ base, database: edited, pod: tree({}) }).target.get('a')).toEqual(file('2'));
    expect(plan({ base, database: tree({}), pod: edited }).target.get('a')).toEqual(file('2'));
  });

  it('never takes an absence for a deletion without a base', () => {
    const result = plan({ database: tree({ a: file('1') }), pod: tree({ b: file('2') }) });
    expect([...result.target.keys()].sort()).toEqual(['a', 'b']);
    expect(result.databaseChanges.removed).toEqual([]);
    expect(result.podChanges.removed).toEqual([]);
  });

  it('merges bytes and executable bit each by itself', () => {
    const base = tree({ a: file('1') });
    const result = plan({ base, database: tree({ a: file('2') }), pod: tree({ a: file('1', true) }) });
    expect(result.target.get('a')).toEqual(file('2', true));
    expect(result.conflicts).toEqual([]);
  });

  it('keeps both when both edited what cannot be merged, the database at the path', () => {
    const base = tree({ 'a.py': file('1') });
    const result = plan({ base, database: tree({ 'a.py': file('2') }), pod: tree({ 'a.py': file('3') }) });
    expect(result.target.get('a.py')).toEqual(file('2'));
    expect(result.target.get('a.conflict-20261122-183005.py')).toEqual(file('3'));
    expect(result.conflicts).toEqual([{ path: 'a.py', copy: 'a.conflict-20261122-183005.py' }]);
  });

  it('makes no second copy of the same bytes when a cycle is repeated', () => {
    const base = tree({ 'a.py': file('1') });
    const copied = { 'a.conflict-20261122-183000.py': file('3') };
    const result = plan({
      base,
      database: tree({ 'a.py': file('2'), ...copied }),
      pod: tree({ 'a.py': file('3') }),
    });
    expect(result.conflicts).toEqual([]);
    expect([...result.target.keys()].sort()).toEqual(['a.conflict-20261122-183000.py', 'a.py']);
  });
});

describe('the merge of a tree', () => {
  it('gives the path to the folder and a copy to the file when kinds clash', () => {
    const base = tree({ a: file('1') });
    const pod = tree({ a: FOLDER, 'a/b': file('3') });
    const result = plan({ base, database: tree({ a: file('2') }), pod });
    expect(result.target.get('a')).toEqual(FOLDER);
    expect(result.target.get('a.conflict-20261122-183005')).toEqual(file('2'));
    expect(result.podChanges.removed).toEqual([]);
  });

  it('brings a deleted folder back for an edit inside it', () => {
    const base = tree({ a: FOLDER, 'a/b': file('1') });
    const result = plan({ base, database: tree({}), pod: tree({ a: FOLDER, 'a/b': file('2') }) });
    expect(result.target.get('a')).toEqual(FOLDER);
    expect(result.target.get('a/b')).toEqual(file('2'));
  });

  it('moves a file out of the way of a folder that an edit still needs', () => {
    const base = tree({ a: FOLDER, 'a/b': file('1') });
    const database = tree({ a: FOLDER, 'a/b': file('2') });
    const result = plan({ base, database, pod: tree({ a: file('3') }) });
    expect(result.target.get('a/b')).toEqual(file('2'));
    expect(result.target.get('a.conflict-20261122-183005')).toEqual(file('3'));
  });

  it('leaves alone what it cannot know', () => {
    const base = tree({ a: file('1'), b: file('1') });
    const result = plan({ base, database: base, pod: tree({}) }, { unknown: ['a'] });
    expect(result.target.get('a')).toEqual(file('1'));
    expect(result.databaseChanges.removed).toEqual(['b']);
    expect(result.podChanges.put).toEqual([]);
  });

  it('keeps a folder that holds something unsaved', () => {
    const base = tree({ a: FOLDER });
    const result = plan({ base, database: tree({}), pod: base }, { notSaved: ['a/huge.bin'] });
    expect(result.target.get('a')).toEqual(FOLDER);
    expect(result.podChanges.removed).toEqual([]);
  });

  it('removes what is in a folder before the folder', () => {
    const base = tree({ a: FOLDER, 'a/b': FOLDER, 'a/b/c': file('1'), 'a-b': file('1') });
    expect(plan({ base, database: base, pod: tree({}) }).databaseChanges.removed).toEqual(['a/b/c', 'a/b', 'a-b', 'a']);
  });

  it('calls for a second look at a deletion of everything, or of over 50 paths and over half', () => {
    const many = new Map(Array.from({ length: 100 }, (_, index) => [`f${index}`, file('1')] as const));
    const rest = (count: number): Tree => new Map([...many].slice(0, count));
    const judge = (pod: Tree) => judgeDeletions(many, plan({ base: many, database: many, pod }));
    expect([rest(0), rest(49), rest(50), rest(99)].map(judge)).toEqual(['large', 'large', null, null]);
    const one = tree({ a: file('1') });
    expect(judgeDeletions(one, plan({ base: one, database: one, pod: tree({}) }))).toBe('small');
    expect(judgeDeletions(one, plan({ base: one, database: one, pod: one }))).toBeNull();
  });
});

describe('the merge of a text', () => {
  it('joins edits of different lines and refuses those that overlap', () => {
    const base = 'one\ntwo\nthree\nfour\n';
    expect(mergeText(base, 'ONE\ntwo\nthree\nfour\n', 'one\ntwo\nthree\nFOUR\n')).toBe('ONE\ntwo\nthree\nFOUR\n');
    expect(mergeText(base, 'ONE\ntwo\nthree\nfour\n', 'uno\ntwo\nthree\nfour\n')).toBeNull();
    expect(mergeText(base, base, 'one\n')).toBe('one\n');
    expect(mergeText('a', 'a\r\nb', 'a')).toBe('a\r\nb');
  });

  it('joins for a person what does not overlap, and keeps the first one where it does', () => {
    const base = 'one\ntwo\nthree\nfour\n';
    expect(joinTexts(base, 'ONE\ntwo\nthree\nfour\n', 'uno\ntwo\nthree\nFOUR\n')).toEqual({
      text: 'ONE\ntwo\nthree\nFOUR\n',
      overlaps: 1,
    });
    expect(joinTexts(base, base, 'one\n')).toEqual({ text: 'one\n', overlaps: 0 });
    expect(joinTexts('', 'mine', 'theirs')).toEqual({ text: 'mine', overlaps: 1 });
  });

  it('takes equal edits on both sides once', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', '')), fc.array(fc.constantFrom('a', 'b', '')), (before, after) => {
        const [base, edited] = [before.join('\n'), after.join('\n')];
        expect(mergeText(base, edited, edited)).toBe(edited);
        expect(mergeText(base, edited, base)).toBe(edited);
        expect(mergeText(base, base, edited)).toBe(edited);
      }),
      { seed: SEED },
    );
  });

  it('gives up on a megabyte of equal lines within a second of processor time', () => {
    const before = process.cpuUsage();
    const lines = '\n'.repeat(500_000);
    expect(mergeText(lines, `x${lines}y`, `y${lines}x`)).toBeNull();
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1_000).toBeLessThan(1_000);
  });

  it('takes for text only valid UTF-8 without NUL up to 1 MiB', () => {
    expect(decodeText(Buffer.from('héllo\uFEFF'))).toBe('héllo\uFEFF');
    expect(decodeText(Buffer.from('\uFEFFbom'))).toBe('\uFEFFbom');
    expect(decodeText(Buffer.from([0x61, 0]))).toBeNull();
    expect(decodeText(Buffer.from([0xff, 0xfe]))).toBeNull();
    expect(decodeText(Buffer.alloc(1_048_577, 'a'))).toBeNull();
  });
});

describe('the name of a conflict copy', () => {
  it('is a valid free path beside the original, whatever the name', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 255 });
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 20 }), fc.nat(3), (names, used) => {
        const path = names.join('/');
        fc.pre(findPathProblem(path) === null);
        const taken = new Set<string>();
        for (let count = 0; count <= used; count += 1) {
          const copy = conflictCopyPath(path, AT, (candidate) => taken.has(candidate));
          expect(findPathProblem(copy)).toBeNull();
          expect(taken.has(copy)).toBe(false);
          taken.add(copy);
        }
      }),
      { seed: SEED, numRuns: scaled(2_000) },
    );
  });
});

const names = fc.constantFrom('a', 'b', 'c.py');
const somePath = fc.array(names, { minLength: 1, maxLength: 3 }).map(shortPath);
const text = fc.array(fc.constantFrom('1', '2', '3', ''), { maxLength: 5 }).map((lines) => lines.join('\n'));
const binary = fc.constantFrom('\0one', '\0two', '\0three');
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), path: somePath, content: text, executable: fc.boolean() }),
  fc.record({ kind: fc.constant('write' as const), path: somePath, content: binary, executable: fc.boolean() }),
  fc.record({ kind: fc.constant('line' as const), path: somePath, line: fc.nat(6), text: fc.constantFrom('x', 'y') }),
  fc.record({ kind: fc.constant('mkdir' as const), path: somePath }),
  fc.record({ kind: fc.constant('link' as const), path: somePath, target: names }),
  fc.record({ kind: fc.constant('remove' as const), path: somePath }),
  fc.record({ kind: fc.constant('move' as const), path: somePath, to: somePath }),
  fc.record({ kind: fc.constant('chmod' as const), path: somePath }),
);
const edits = fc.array(edit, { maxLength: 8 });
interface Round {
  database: Edit[];
  pod: Edit[];
  cycle: 'whole' | 'cut' | 'disturbed';
  meanwhile: Edit[];
  /** The agent has been started again since the last cycle. */
  isForgotten: boolean;
}
/** Edits of both sides, then a cycle that runs through, is cut off after its commit, or meets edits in its middle. */
const round: fc.Arbitrary<Round> = fc.record({
  database: edits,
  pod: edits,
  cycle: fc.constantFrom('whole' as const, 'cut' as const, 'disturbed' as const),
  meanwhile: edits,
  isForgotten: fc.boolean(),
});

describe('generated trees and edit sequences', () => {
  it('lose nothing, keep both only where they must, and come to rest in two cycles', () => {
    fc.assert(
      fc.property(edits, fc.boolean(), fc.array(round, { minLength: 1, maxLength: 4 }), (first, isLoaded, rounds) => {
        const session = new Simulation();
        for (const step of first) session.database.edit(step);
        if (isLoaded) session.cycle();
        for (const step of rounds) playRound(session, step);
        session.cycle();
        session.cycle();
        const last = session.plan();
        expect(last.databaseChanges).toEqual({ removed: [], put: [] });
        expect(last.podChanges).toEqual({ removed: [], put: [] });
        expect([last.renames.size, last.carried]).toEqual([0, 0]);
        expect(describeTree(session.pod.entries)).toEqual(describeTree(session.database.entries));
        expect(describeTree(session.base)).toEqual(describeTree(session.database.entries));
      }),
      { seed: SEED, numRuns: scaled(100_000) },
    );
  }, 900_000);
});

function playRound(session: Simulation, step: Round): void {
  for (const change of step.database) session.database.edit(change);
  for (const change of step.pod) session.pod.edit(change);
  if (step.isForgotten) session.restartAgent();
  const result = session.plan();
  const before = snapshotOf(session, result.renames);
  checkConflicts(session, before, result.conflicts);
  const seen = new Map(session.pod.entries);
  session.commit(result);
  checkNothingLost(session, before);
  expect(findTreeFaults(session.database.entries)).toEqual([]);
  expect(new Set(session.database.ids.values()).size).toBe(session.database.entries.size);
  if (step.cycle === 'whole') session.pod.apply(result.podChanges);
  if (step.cycle === 'disturbed') for (const change of step.meanwhile) session.pod.edit(change);
  if (step.cycle === 'disturbed') session.carryOut(result, seen);
  if (step.cycle === 'whole') session.settle();
  expect(findTreeFaults(session.pod.entries)).toEqual([]);
}

interface Snapshot {
  base: Tree;
  database: Tree;
  pod: Tree;
}

/** The trees that are merged, after what was renamed has its new path on both sides. */
function snapshotOf({ base, database, pod }: Simulation, renames: Renames): Snapshot {
  const [baseThen, databaseThen] = [base, database.entries].map((tree) => new Map(renames.apply(tree)));
  return { base: baseThen ?? new Map(), database: databaseThen ?? new Map(), pod: new Map(pod.entries) };
}

/** Whatever either side held that the other had not seen is held by the database now, at its path, merged, or beside it. */
function checkNothingLost(session: Simulation, { base, database, pod }: Snapshot): void {
  for (const { sha256 } of database.values()) if (sha256 !== null) expect(session.versions.has(sha256)).toBe(true);
  for (const [path, entry] of pod) {
    if (entry.sha256 === null || sameEntry(entry, base.get(path) ?? null)) continue;
    const isMerged =
      contestedPaths({ base, database, pod }).includes(path) && mergedHere(session, { base, database, pod }, path);
    expect(session.versions.has(entry.sha256) || isMerged).toBe(true);
  }
}

function mergedHere(session: Simulation, trees: Snapshot, path: string): boolean {
  const [base, database, pod] = [trees.base, trees.database, trees.pod].map((tree) =>
    session.contents.read(tree.get(path)?.sha256 ?? null),
  );
  const merged = mergeText(base ?? '', database ?? '', pod ?? '');
  return merged !== null && session.contents.read(session.database.entries.get(path)?.sha256 ?? null) === merged;
}

/** A copy is made only where both sides differ from what they agreed on, and no merge was possible. */
function checkConflicts(
  session: Simulation,
  { base, database, pod }: Snapshot,
  conflicts: Array<{ path: string }>,
): void {
  for (const { path } of conflicts) {
    const entries = [base, database, pod].map((side) => side.get(path) ?? null);
    const [ancestor, left, right] = entries;
    const isKindClash = [left, right].some((entry) => entry?.type !== 'file');
    if (isKindClash) continue;
    expect(sameEntry(left ?? null, right ?? null)).toBe(false);
    if (ancestor?.type !== 'file') continue;
    const texts = entries.map((entry) => session.contents.read(entry?.sha256 ?? null));
    const isBinary = texts.some((content) => content.includes('\0'));
    expect(isBinary || mergeText(texts[0] ?? '', texts[1] ?? '', texts[2] ?? '') === null).toBe(true);
  }
}

function describeTree(entries: Tree): string[] {
  return [...entries].map(([path, entry]) => `${path} ${entry.type} ${entry.sha256} ${entry.executable}`).sort();
}
