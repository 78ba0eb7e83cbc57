import { describeRestore, planRestore, type PastEntry, type PresentEntry } from '#shared/domain/restorePlan.ts';

const FOLDER = { type: 'folder', sha256: null, executable: false, size: 0 } as const;
const file = (content: string) => ({ type: 'file' as const, sha256: content, executable: false, size: content.length });
const was = (itemId: number, entry: Omit<PresentEntry, 'id'>, isStored = true): PastEntry => ({
  ...entry,
  itemId,
  encoding: 'utf8',
  isStored,
});
const plan = (
  present: Record<string, PresentEntry>,
  past: Record<string, PastEntry>,
  isInside: (path: string) => boolean = () => true,
) => {
  const given = { present: new Map(Object.entries(present)), past: new Map(Object.entries(past)), isInside };
  const planned = planRestore(given);
  return {
    ...planned,
    changes: describeRestore(planned, given.present).map(({ path, change }) => `${change} ${path}`),
  };
};

describe('a restore', () => {
  it('writes what differs, makes what is missing, removes what came since, and leaves the rest', () => {
    const present = {
      same: { id: 1, ...file('x') },
      changed: { id: 2, ...file('new') },
      since: { id: 3, ...FOLDER },
      'since/made': { id: 4, ...file('m') },
    };
    const past = {
      same: was(1, file('x')),
      changed: was(2, file('old')),
      gone: was(9, FOLDER),
      'gone/a': was(8, file('a')),
    };
    expect(plan(present, past)).toMatchObject({
      changes: ['update changed', 'create gone', 'create gone/a', 'delete since', 'delete since/made'],
      folders: [{ path: 'gone', itemId: 9 }],
      removed: ['since', 'since/made'],
    });
  });

  it('takes the id back that a renamed file has, unless the file stays where it is', () => {
    const present = { b: { id: 7, ...file('x') } };
    expect(plan(present, { a: was(7, file('x')) }).files).toMatchObject([{ path: 'a', itemId: 7 }]);
    const both = plan(present, { a: was(7, file('x')), b: was(8, file('y')) });
    expect(both.files).toMatchObject([
      { path: 'a', itemId: null },
      { path: 'b', itemId: 8 },
    ]);
  });

  it('turns a folder into the file that it was, with all that is in it, and back', () => {
    const tree = { x: { id: 1, ...FOLDER }, 'x/y': { id: 2, ...file('y') } };
    expect(plan(tree, { x: was(5, file('x')) })).toMatchObject({
      removed: ['x', 'x/y'],
      changes: ['update x', 'delete x/y'],
    });
    const back = plan({ x: { id: 5, ...file('x') } }, { x: was(1, FOLDER), 'x/y': was(2, file('y')) });
    expect(back).toMatchObject({ removed: ['x'], folders: [{ path: 'x' }], files: [{ path: 'x/y' }] });
  });

  it('touches nothing outside, makes the folders above, and says which file is in the way of one', () => {
    const inside = (path: string) => path === 'a/b';
    expect(plan({ other: { id: 1, ...file('o') } }, { 'a/b': was(2, file('b')) }, inside)).toMatchObject({
      removed: [],
      folders: [{ path: 'a', itemId: null }],
      blocked: [],
    });
    expect(plan({ a: { id: 1, ...file('o') } }, { 'a/b': was(2, file('b')) }, inside).blocked).toEqual(['a']);
  });

  it('leaves alone what stands where a content is no longer kept, and says so', () => {
    const present = { a: { id: 1, ...FOLDER }, 'a/lost': { id: 2, ...file('now') } };
    const lost = plan(present, { 'a/lost': was(2, file('then'), false), b: was(3, file('b')) });
    expect(lost).toMatchObject({ removed: [], lost: ['a/lost'], changes: ['create b'] });
  });
});
