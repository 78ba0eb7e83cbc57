import { isOverdue, reviewTurn, type TurnFacts } from '#shared/domain/reviewTurn.ts';

const ada = { id: 1, username: 'ada' };
const bob = { id: 2, username: 'bob' };
/** A moment that many hours after the submission. */
const at = (hours: number): Date => new Date(Date.UTC(2026, 0, 1, hours));

const pending: TurnFacts = {
  status: 'pending',
  priority: 'high',
  withdrawnAt: null,
  snapshotId: 7,
  submittedBy: ada,
  assignedTo: null,
  submittedAt: at(0),
  reviewedAt: null,
  holderChangedAt: null,
  answeredAt: null,
  askedAt: null,
  asked: 0,
  nextReviewId: null,
};
const held: TurnFacts = { ...pending, status: 'in_review', assignedTo: bob, holderChangedAt: at(1) };
const asked: TurnFacts = { ...held, askedAt: at(2), asked: 1 };
const rejected: TurnFacts = { ...held, status: 'rejected', reviewedAt: at(5) };

describe('whose turn it is', () => {
  it.each<[string, TurnFacts, string, { id: number; username: string } | null, Date, string]>([
    ['while it is frozen', { ...pending, snapshotId: null }, 'nobody', null, at(0), 'The files are being frozen.'],
    ['pending', pending, 'pool', null, at(0), 'It waits for a reviewer of level 2 or above to claim it.'],
    [
      'pending and given to somebody',
      { ...pending, assignedTo: bob, holderChangedAt: at(1) },
      'assignee',
      bob,
      at(1),
      'It was given to bob, who has not begun.',
    ],
    ['claimed', held, 'assignee', bob, at(1), 'bob holds it, and reads.'],
    [
      'answered before the claim',
      { ...held, holderChangedAt: at(3), answeredAt: at(2) },
      'assignee',
      bob,
      at(3),
      'bob holds it, and reads.',
    ],
    ['asked', asked, 'submitter', ada, at(2), 'bob left a comment for ada to answer or resolve.'],
    [
      'asked three times',
      { ...asked, asked: 3 },
      'submitter',
      ada,
      at(2),
      'bob left 3 comments for ada to answer or resolve.',
    ],
    [
      'answered, or with new files',
      { ...held, answeredAt: at(3) },
      'assignee',
      bob,
      at(3),
      'ada has answered, and bob looks again.',
    ],
    [
      'asked again after the answer',
      { ...asked, answeredAt: at(3), askedAt: at(4) },
      'submitter',
      ada,
      at(4),
      'bob left a comment for ada to answer or resolve.',
    ],
    [
      'given back, or its claim ended',
      { ...held, assignedTo: null, holderChangedAt: at(4) },
      'pool',
      null,
      at(4),
      'It was given back, and waits for a reviewer of level 2 or above to claim it.',
    ],
    ['rejected', rejected, 'submitter', ada, at(5), 'It was rejected: ada changes it and submits again.'],
    [
      'rejected and submitted again',
      { ...rejected, nextReviewId: 9 },
      'nobody',
      null,
      at(5),
      'It was rejected, and goes on as review 9.',
    ],
    ['approved', { ...asked, status: 'approved', reviewedAt: at(5) }, 'nobody', null, at(5), 'It is approved.'],
    ['withdrawn', { ...asked, withdrawnAt: at(6) }, 'nobody', null, at(6), 'It was withdrawn.'],
  ])('%s', (_name, facts, turn, person, since, why) => {
    expect(reviewTurn(facts)).toEqual({ turn, person, since, why });
  });
});

describe('a review is overdue', () => {
  const late = { status: 'pending', withdrawnAt: null, assignedTo: null, dueAt: at(1) } as const;
  it.each([
    ['when nobody has claimed it in time', late, true],
    ['not a moment before', { ...late, dueAt: at(3) }, false],
    ['when who it was given to has not begun', { ...late, assignedTo: bob }, true],
    ['not while somebody holds it', { ...late, status: 'in_review', assignedTo: bob }, false],
    ['again when it was given back', { ...late, status: 'in_review' }, true],
    ['not once it is decided', { ...late, status: 'approved' }, false],
    ['not once it is withdrawn', { ...late, withdrawnAt: at(1) }, false],
    ['never without a time', { ...late, dueAt: null }, false],
    ['also by a time in words', { ...late, dueAt: at(1).toISOString() }, true],
  ] as const)('%s', (_name, review, overdue) => {
    expect(isOverdue(review, at(2))).toBe(overdue);
  });
});
