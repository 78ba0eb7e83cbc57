import fc from 'fast-check';
import { findNameProblem } from '#shared/domain/paths.ts';
import { conflictName } from '#agent/files/displaced.ts';

const NOW = new Date('2026-01-02T03:04:05.678Z');

describe('names of conflict copies', () => {
  it.each([
    ['report.txt', 0, 'report.conflict-20260102-030405.txt'],
    ['report.txt', 2, 'report.conflict-20260102-030405-2.txt'],
    ['Makefile', 0, 'Makefile.conflict-20260102-030405'],
    ['.env', 0, '.env.conflict-20260102-030405'],
    ['archive.tar.gz', 0, 'archive.tar.conflict-20260102-030405.gz'],
  ])('of %s (try %d)', (name, attempt, expected) => {
    expect(conflictName(name, { now: NOW, attempt })).toBe(expected);
  });

  it('are always names that can be used', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 255 }), fc.nat(999), (name, attempt) => {
        fc.pre(findNameProblem(name) === null);
        expect(findNameProblem(conflictName(name, { now: NOW, attempt }))).toBeNull();
      }),
    );
  });
});
