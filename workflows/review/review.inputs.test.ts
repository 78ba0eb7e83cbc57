import { isDecisionInput, readAutoDecision, readComment } from '#workflows/review/review.inputs.ts';

const huge = 'x'.repeat(2_000_000);
const deep = JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`) as unknown;
const STRANGE: unknown[] = [undefined, null, 'approve', '', 7, true, [], [1, [2]], {}, deep, huge, { opId: huge }];
const MAX_ID = 2_147_483_647;

describe('what a decision is sent with', () => {
  const good = { opId: 'op', actorId: 2 };
  it.each([
    good,
    { ...good, expectedSnapshotId: 3, note: 'why', assigneeId: MAX_ID, force: true },
    { ...good, somethingNew: 1 },
  ])('is taken: %j', (input) => {
    expect(isDecisionInput(input)).toBe(true);
  });

  // Each of these would fail in the database again and again, with every later decision waiting behind it.
  it.each([
    { ...good, actorId: MAX_ID + 1 },
    { ...good, actorId: 0 },
    { ...good, actorId: 1.5 },
    { ...good, actorId: '2' },
    { ...good, opId: 'a\0b' },
    { ...good, opId: '' },
    { ...good, opId: 'x'.repeat(201) },
    { ...good, note: 7 },
    { ...good, note: 'a\0b' },
    { ...good, note: 'x'.repeat(20_001) },
    { ...good, expectedSnapshotId: '3' },
    { ...good, assigneeId: MAX_ID + 1 },
    { ...good, force: 'yes' },
  ])('is refused: %j', (input) => {
    expect(isDecisionInput(input)).toBe(false);
  });

  it('may be anything at all without a throw', () => {
    expect(STRANGE.map(isDecisionInput)).toEqual(STRANGE.map(() => false));
  });
});

describe('a decision of automation', () => {
  it('is read, under an opId that no person’s operation has', () => {
    const read = readAutoDecision({ opId: 'ci-1', decision: 'reject', actorId: 5, expectedSnapshotId: 3, note: 'red' });
    expect(read).toEqual({
      action: 'reject',
      input: { opId: 'auto/ci-1', actorId: 5, expectedSnapshotId: 3, note: 'red' },
    });
  });

  it.each([...STRANGE, { opId: 'a', actorId: 5 }, { opId: 'a', actorId: 5, decision: 'override' }])(
    'that is none is told in a short sentence: case %#',
    (input) => {
      const told = readAutoDecision(input);
      expect(told).toEqual(expect.stringContaining('autoDecision came with'));
      expect(String(told).length).toBeLessThan(260);
    },
  );
});

describe('a comment of automation', () => {
  it('is read, without blanks around it', () => {
    expect(readComment({ opId: 'a', actorId: 5, text: ' two warnings\n' })).toEqual({
      opId: 'comment/a',
      actorId: 5,
      text: 'two warnings',
    });
  });

  it.each([...STRANGE, { opId: 'a', actorId: 5, text: huge }, { opId: 'a', actorId: 5, text: ' ' }])(
    'that is none is told in a short sentence: case %#',
    (input) => {
      const told = readComment(input);
      expect(told).toEqual(expect.stringContaining('comment came with'));
      expect(String(told).length).toBeLessThan(260);
    },
  );
});
