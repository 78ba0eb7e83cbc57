import { foldName, normalizeName, usernameProblem } from '#shared/domain/accountNames.ts';

describe('user names', () => {
  it.each([
    ['Alice', 'aLICE'],
    ['ﬁn', 'FIN'],
    ['Ａｌｉｃｅ', 'alice'],
    ['caf\u00e9', 'CAFE\u0301'],
  ])('%s and %s are the same name', (one, other) => {
    expect(foldName(one)).toBe(foldName(other));
  });

  it.each(['alice', 'a.b-c_d', 'José', '李雷', 'Ольга', '7of9'])('%s is allowed', (name) => {
    expect(usernameProblem(normalizeName(name))).toBeNull();
  });

  it.each([
    'a',
    'a'.repeat(41),
    'a\u200bb',
    'a\u202eb',
    'a\u0000b',
    'a b',
    'a@b',
    '-alice',
    'pаypal',
    'αlice',
    '..',
    '\u3164x',
  ])('%j is refused', (name) => {
    expect(usernameProblem(normalizeName(name))).not.toBeNull();
  });
});
