import { FOLDER, type TreeEntry } from '#shared/domain/mergeEntry.ts';
import { baseWithSent } from '#shared/domain/mergeSent.ts';

const file = (sha256: string, executable = false): TreeEntry => ({ type: 'file', sha256, executable, size: 0 });
const tree = (entries: Record<string, TreeEntry>): Map<string, TreeEntry> => new Map(Object.entries(entries));
const sent = (entries: Record<string, Array<TreeEntry | null>>): Map<string, Array<TreeEntry | null>> =>
  new Map(Object.entries(entries));
const known = (): boolean => false;

describe('the base with what was sent', () => {
  it('holds what arrived', () => {
    const trees = { base: tree({ a: file('1') }), pod: tree({ a: file('2') }) };
    expect(baseWithSent(trees, sent({ a: [file('2')] }), known)).toEqual(tree({ a: file('2') }));
  });

  it('holds whichever of several arrived last', () => {
    const trees = { base: tree({ a: file('1') }), pod: tree({ a: file('2') }) };
    expect(baseWithSent(trees, sent({ a: [file('2'), file('3')] }), known)).toEqual(tree({ a: file('2') }));
  });

  it('stays what it was where the volume holds something else, or nothing that was sent', () => {
    const base = tree({ a: file('1'), b: file('1') });
    const trees = { base, pod: tree({ a: file('3'), b: file('2', true) }) };
    expect(baseWithSent(trees, sent({ a: [file('2')], b: [file('2')] }), known)).toEqual(base);
  });

  it('knows of a new file and a new folder', () => {
    const trees = { base: tree({}), pod: tree({ a: file('1'), folder: FOLDER }) };
    expect(baseWithSent(trees, sent({ a: [file('1')], folder: [FOLDER] }), known)).toEqual(trees.pod);
  });

  it('forgets a path that was removed, unless its absence says nothing', () => {
    const trees = { base: tree({ a: file('1'), hidden: file('1') }), pod: tree({}) };
    const unknown = (path: string): boolean => path === 'hidden';
    expect(baseWithSent(trees, sent({ a: [null], hidden: [null] }), unknown)).toEqual(tree({ hidden: file('1') }));
  });

  it('leaves the trees that it was given alone', () => {
    const base = tree({ a: file('1') });
    baseWithSent({ base, pod: tree({}) }, sent({ a: [null] }), known);
    expect(base).toEqual(tree({ a: file('1') }));
  });
});
