import type { Candidate } from '#agent/files/walk.ts';
import { Origins } from '#agent/files/origins.ts';

type Stat = Candidate['stat'];

function stat(ino: number, made = 1, more: Partial<Record<'size' | 'mtimeNs', number>> = {}): Stat {
  const { size = 1, mtimeNs = 1 } = more;
  return { dev: 1n, ino: BigInt(ino), birthtimeNs: BigInt(made), size: BigInt(size), mtimeNs: BigInt(mtimeNs) } as Stat;
}

/** Origins by path after scans that find these, each with the paths that have a row. */
function trace(...scans: Array<{ found: Record<string, Stat>; rows: string[] }>): Record<string, string> {
  const origins = new Origins();
  let told = new Map<string, string>();
  for (const { found, rows } of scans) {
    const candidates = Object.entries(found).map(([path, one]) => ({
      path,
      type: 'file' as const,
      stat: one,
      target: null,
    }));
    told = origins.trace(candidates, new Set(rows));
  }
  return Object.fromEntries(told);
}

const first = { found: { a: stat(1) }, rows: ['a'] };

describe('an origin', () => {
  it('is told of what had a row at a path that is gone now', () => {
    expect(trace(first, { found: { b: stat(1) }, rows: ['a'] })).toEqual({ b: 'a' });
  });

  it('is told again as long as the caller does not know the new path, also from where it went then', () => {
    const moved = { found: { b: stat(1) }, rows: ['a'] };
    expect(trace(first, moved, moved)).toEqual({ b: 'a' });
    expect(trace(first, moved, { found: { c: stat(1) }, rows: ['a'] })).toEqual({ c: 'a' });
    expect(trace(first, moved, { found: { c: stat(1) }, rows: ['b'] })).toEqual({ c: 'b' });
    expect(trace(first, moved, { found: { b: stat(1) }, rows: ['b'] })).toEqual({});
  });

  it('is told of what got its row only after the last scan', () => {
    expect(trace({ ...first, rows: [] }, { found: { b: stat(1) }, rows: ['a'] })).toEqual({ b: 'a' });
  });

  it('is told of what the agent has written since the last scan', () => {
    const origins = new Origins();
    origins.trace([], new Set());
    origins.wrote('a', stat(7));
    const found = [{ path: 'b', type: 'file' as const, stat: stat(7), target: null }];
    expect(Object.fromEntries(origins.trace(found, new Set(['a'])))).toEqual({ b: 'a' });
  });

  it('is not told where something is at the old path, where a row is at the new one, or where nobody knew it', () => {
    expect(trace(first, { found: { a: stat(2), b: stat(1) }, rows: ['a'] })).toEqual({});
    expect(trace(first, { found: { b: stat(1) }, rows: ['a', 'b'] })).toEqual({});
    expect(trace(first, { found: { b: stat(1) }, rows: [] })).toEqual({});
    expect(trace({ found: {}, rows: ['a'] }, { found: { b: stat(1) }, rows: ['a'] })).toEqual({});
  });

  it('is not told of another file that got the number of one that is gone', () => {
    expect(trace(first, { found: { b: stat(1, 2) }, rows: ['a'] })).toEqual({});
  });

  it('is told where no time of making is kept only when size and time of change agree', () => {
    const unknown = { found: { a: stat(1, 0) }, rows: ['a'] };
    expect(trace(unknown, { found: { b: stat(1, 0) }, rows: ['a'] })).toEqual({ b: 'a' });
    expect(trace(unknown, { found: { b: stat(1, 0, { mtimeNs: 2 }) }, rows: ['a'] })).toEqual({});
    expect(trace(unknown, { found: { b: stat(1, 0, { size: 2 }) }, rows: ['a'] })).toEqual({});
  });
});
