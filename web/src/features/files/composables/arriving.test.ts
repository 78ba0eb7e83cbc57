import { readDropped, readPicked } from './arriving.ts';

const file = (name: string) => new File(['x'], name);
const fileEntry = (name: string) => ({
  name,
  isFile: true,
  isDirectory: false,
  file: (resolve: (found: File) => void) => resolve(file(name)),
});
/** A folder as browsers give it: some entries at a time, and none at the end. */
const folderEntry = (name: string, ...inside: object[]) => ({
  name,
  isFile: false,
  isDirectory: true,
  createReader() {
    const rest = [...inside];
    return { readEntries: (resolve: (some: object[]) => void) => resolve(rest.splice(0, 2)) };
  },
});
const transferOf = (...entries: { name: string }[]) =>
  ({
    items: entries.map((entry) => ({
      kind: 'file',
      webkitGetAsEntry: () => entry,
      getAsFile: () => file(entry.name),
    })),
  }) as unknown as DataTransfer;

describe('what is dropped', () => {
  it('is read with all that is in its folders, and empty folders are kept', async () => {
    const inside = [fileEntry('1'), fileEntry('2'), fileEntry('3'), folderEntry('empty')];
    const found = await readDropped(transferOf(fileEntry('a.txt'), folderEntry('src', ...inside)));
    expect(found.map(({ path, file: bytes }) => [path, bytes === null])).toEqual([
      ['a.txt', false],
      ['src/1', false],
      ['src/2', false],
      ['src/3', false],
      ['src/empty', true],
    ]);
  });

  it('and cannot be read is named, and keeps nothing else back', async () => {
    const gone = new DOMException('gone', 'NotFoundError');
    const goneFile = { ...fileEntry('gone.txt'), file: (_: unknown, reject: (why: unknown) => void) => reject(gone) };
    const closed = {
      ...folderEntry('closed'),
      createReader: () => ({ readEntries: (_: unknown, reject: (why: unknown) => void) => reject(gone) }),
    };
    const found = await readDropped(transferOf(folderEntry('src', goneFile, fileEntry('1')), closed, fileEntry('2')));
    expect(found.map(({ path, unreadable }) => [path, unreadable ?? false])).toEqual([
      ['src/gone.txt', true],
      ['src/1', false],
      ['closed', true],
      ['2', false],
    ]);
  });
});

describe('what is picked', () => {
  it('keeps its place in a folder', () => {
    const inFolder = Object.assign(file('x.py'), { webkitRelativePath: 'src/x.py' });
    expect(readPicked([file('a.txt'), inFolder]).map(({ path }) => path)).toEqual(['a.txt', 'src/x.py']);
  });
});
