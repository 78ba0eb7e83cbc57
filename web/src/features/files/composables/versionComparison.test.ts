import type { ItemVersionWithContent } from '#shared/contracts/item.ts';
import { comparison } from './versionComparison.ts';

const version = (id: number, content: string, encoding: 'utf8' | 'base64' = 'utf8'): ItemVersionWithContent => ({
  id,
  version: id,
  path: 'a.txt',
  sha256: content,
  size: content.length,
  source: 'editor',
  createdBy: null,
  createdAt: '2026-01-02T03:04:05.000Z',
  encoding,
  content,
});
const now = version(9, 'new');

describe('a comparison', () => {
  it('of a version with what the file is now has that last', () => {
    const { older, newer, isSame, isText } = comparison({ version: version(1, 'old'), now, other: null });
    expect([older.name, older.content, newer.name, newer.content]).toEqual(['then', 'old', 'now', 'new']);
    expect([isSame, isText]).toEqual([false, true]);
  });

  it('of two versions has the older one first, whichever was chosen first', () => {
    const [one, two] = [version(1, 'old'), version(2, 'newer')];
    for (const chosen of [
      { version: one, other: two },
      { version: two, other: one },
    ]) {
      const { older, newer } = comparison({ ...chosen, now });
      expect([older.content, newer.content]).toEqual(['old', 'newer']);
      expect([older.name.slice(0, 2), newer.name.slice(0, 2)]).toEqual(['1:', '2:']);
    }
  });

  it('knows the same bytes, and bytes that are no text', () => {
    expect(comparison({ version: version(1, 'x'), now, other: version(2, 'x') }).isSame).toBe(true);
    expect(comparison({ version: version(1, 'eA==', 'base64'), now, other: null }).isText).toBe(false);
  });
});
