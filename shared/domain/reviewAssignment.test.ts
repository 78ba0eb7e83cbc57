import { assigneeRefusal, claimLimitRefusal, type AssigneeFacts } from '#shared/domain/reviewAssignment.ts';
import type { ReviewFacts } from '#shared/domain/reviewRules.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const LATER = new Date('2026-03-02T12:00:00Z');
const LIMITS = [0, 2, 4, 6, null];

const review: ReviewFacts & { id: number } = {
  id: 50,
  status: 'in_review',
  withdrawnAt: null,
  priority: 'high',
  submittedBy: { id: 1 },
  assignedTo: { id: 3, username: 'bob' },
  claimExpiresAt: LATER,
  snapshotId: 7,
  openIssues: 0,
  editorIds: [1, 2],
};
const carol: AssigneeFacts = { id: 6, username: 'carol', reviewerLevel: 2, disabled: false, awayUntil: null, held: [] };
const held = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ id: index + 1, title: `review ${index}` }));

function refusal(assignee: Partial<AssigneeFacts> | null, { force = false, level = 3 } = {}, of = review) {
  const person = assignee === null ? null : { ...carol, ...assignee };
  const actor = { id: 9, reviewerLevel: level };
  return assigneeRefusal({ review: of, actor, assignee: person, force, limits: LIMITS, now: NOW });
}

describe('who gets a review', () => {
  it('may be anybody of the level, who is there and holds few', () => {
    expect(refusal({})).toBeNull();
    expect(refusal({ awayUntil: new Date('2026-02-28T00:00:00Z') })).toBeNull();
    expect(refusal({ held: held(3) })).toBeNull();
  });

  it.each([
    ['without an account', null, 'account'],
    ['disabled', { disabled: true }, 'account'],
    ['the submitter', { id: 1, reviewerLevel: 4 }, 'own_work'],
    ['an editor', { id: 2, reviewerLevel: 4 }, 'own_work'],
    ['below the level of the priority', { reviewerLevel: 1 }, 'level'],
  ] as const)('is never somebody %s, not even by force of level 4', (_who, assignee, reason) => {
    for (const force of [false, true]) {
      expect(refusal(assignee, { force, level: 4 })).toMatchObject({
        code: 'REVIEW_ASSIGNEE_REFUSED',
        data: { reason },
      });
    }
  });

  it('is not who holds it already', () => {
    expect(refusal({ id: 3, username: 'bob' })?.code).toBe('REVIEW_ALREADY_CLAIMED');
  });

  it('is oneself only where there is somebody to take it from: a free review is claimed', () => {
    expect(refusal({ id: 9, reviewerLevel: 3 })).toBeNull();
    const free = { ...review, assignedTo: null };
    expect(refusal({ id: 9, reviewerLevel: 3 }, {}, free)?.data['reason']).toBe('self');
  });

  it('is somebody away only by force of level 4, and the refusal says until when', () => {
    expect(refusal({ awayUntil: LATER })?.detail).toContain(LATER.toISOString());
    expect(refusal({ awayUntil: LATER }, { force: true, level: 3 })?.data['reason']).toBe('away');
    expect(refusal({ awayUntil: LATER }, { force: true, level: 4 })).toBeNull();
  });

  it('is somebody whose hands are full only by force of level 4', () => {
    expect(refusal({ held: held(4) })?.code).toBe('REVIEW_CLAIM_LIMIT');
    expect(refusal({ held: held(4) }, { force: true, level: 4 })).toBeNull();
  });
});

describe('the limit of claims', () => {
  it.each([
    [1, 2],
    [2, 4],
    [3, 6],
  ])('of level %i is %i reviews, which the refusal names', (reviewerLevel, limit) => {
    const on = { reviewId: 50, limits: LIMITS };
    expect(claimLimitRefusal({ reviewerLevel, held: held(limit - 1) }, on)).toBeNull();
    const refused = claimLimitRefusal({ reviewerLevel, held: held(limit) }, on);
    expect(refused).toMatchObject({ code: 'REVIEW_CLAIM_LIMIT', data: { limit, held: held(limit) } });
    expect(refused?.detail).toContain('1 (review 0)');
  });

  it('does not count the review itself, and level 4 has none', () => {
    expect(claimLimitRefusal({ reviewerLevel: 1, held: held(2) }, { reviewId: 2, limits: LIMITS })).toBeNull();
    expect(claimLimitRefusal({ reviewerLevel: 4, held: held(90) }, { reviewId: 50, limits: LIMITS })).toBeNull();
  });
});
