import fc from 'fast-check';
import { manifestText, type ManifestEntry } from '#shared/domain/reviewManifest.ts';

const entry = fc.record({
  path: fc.string({ minLength: 1 }),
  type: fc.constantFrom('file' as const, 'folder' as const, 'symlink' as const),
  executable: fc.boolean(),
  sha256: fc.option(fc.stringMatching(/^[0-9a-f]{8}$/)),
});
const tree = fc.uniqueArray(entry, { selector: (each) => each.path, maxLength: 20 });

describe('the manifest of a snapshot', () => {
  it('is the same whatever the order that the paths come in', () => {
    fc.assert(
      fc.property(tree, fc.infiniteStream(fc.nat()), (entries, keys) => {
        const shuffled = entries
          .map((each) => ({ each, key: keys.next().value ?? 0 }))
          .sort((left, right) => left.key - right.key)
          .map(({ each }) => each);
        expect(manifestText(shuffled)).toBe(manifestText(entries));
      }),
    );
  });

  it('differs as soon as a path, a type, a bit or a hash differs, also with line breaks and quotes in paths', () => {
    fc.assert(
      fc.property(tree, tree, (left, right) => {
        const key = (entries: ManifestEntry[]) =>
          entries.map((each) => JSON.stringify([each.path, each.type, each.executable, each.sha256])).sort();
        const same = JSON.stringify(key(left)) === JSON.stringify(key(right));
        expect(manifestText(left) === manifestText(right)).toBe(same);
      }),
    );
  });
});
