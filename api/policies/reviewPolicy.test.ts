import {
  availableActions,
  mayRead,
  refuseApprove,
  refuseClaim,
  refuseComment,
  refuseOverride,
  refuseRefreshSnapshot,
  refuseReject,
  refuseRelease,
  refuseRunningCopy,
  refuseResolve,
  refuseWithdraw,
} from '#api/policies/reviewPolicy.ts';
import { REVIEW_PRIORITIES, REVIEW_STATUSES, type ReviewPriority, type ReviewStatus } from '#shared/domain/review.ts';
import type { ReviewFacts, RuleRefusal } from '#shared/domain/reviewRules.ts';

const RELATIONS = ['submitter', 'editor', 'holder', 'other'] as const;
type Relation = (typeof RELATIONS)[number];
const SUBMITTER = 1;
const EDITOR = 2;
const CALLERS: Record<Relation, number> = { submitter: SUBMITTER, editor: EDITOR, holder: 3, other: 4 };

interface Situation {
  relation: Relation;
  level: number;
  status: ReviewStatus;
  priority: ReviewPriority;
  /** Whether anybody holds the review; the holder always does. */
  held: boolean;
}

const SITUATIONS: Situation[] = RELATIONS.flatMap((relation) =>
  [0, 1, 2, 3, 4].flatMap((level) =>
    REVIEW_STATUSES.flatMap((status) =>
      REVIEW_PRIORITIES.flatMap((priority) =>
        (relation === 'holder' ? [true] : [true, false])
          // A pending review was never claimed.
          .filter((held) => !(held && status === 'pending'))
          .map((held) => ({ relation, level, status, priority, held })),
      ),
    ),
  ),
);

function reviewOf(situation: Situation, change: Partial<ReviewFacts> = {}): ReviewFacts {
  const holder = situation.relation === 'holder' ? CALLERS.holder : 99;
  return {
    status: situation.status,
    withdrawnAt: null,
    priority: situation.priority,
    submittedBy: { id: SUBMITTER },
    assignedTo: situation.held ? { id: holder, username: 'bob' } : null,
    claimExpiresAt: situation.held ? new Date('2026-01-02T03:04:05Z') : null,
    snapshotId: 7,
    openIssues: 0,
    editorIds: [SUBMITTER, EDITOR],
    ...change,
  };
}

const callerOf = ({ relation, level }: Situation) => ({ id: CALLERS[relation], reviewerLevel: level });
const needed = { low: 1, medium: 1, high: 2, urgent: 3 };
const isOpen = ({ status }: Situation) => status === 'pending' || status === 'in_review';
const isOutside = ({ relation }: Situation) => relation === 'holder' || relation === 'other';
const hasLevel = ({ level, priority }: Situation) => level >= needed[priority];

/** The matrix again, written as who may; every situation is compared with it. */
const MAY: Record<string, (situation: Situation) => boolean> = {
  claim: (s) => isOpen(s) && isOutside(s) && hasLevel(s) && !s.held,
  release: (s) => s.status === 'in_review' && s.relation === 'holder',
  approve: (s) => isOpen(s) && isOutside(s) && hasLevel(s) && (s.relation === 'holder' || s.level === 4),
  reject: (s) => isOpen(s) && isOutside(s) && hasLevel(s) && (s.relation === 'holder' || s.level === 4),
  override: (s) => isOpen(s) && isOutside(s) && s.level === 4,
  withdraw: (s) => isOpen(s) && s.relation === 'submitter',
  refreshSnapshot: (s) => isOpen(s) && s.relation === 'submitter',
  comment: (s) =>
    isOpen(s) &&
    (s.relation === 'submitter' ||
      (isOutside(s) && (s.relation === 'holder' || s.level >= 3 || (s.level >= 2 && hasLevel(s) && !s.held)))),
  runCopy: (s) =>
    isOpen(s) &&
    (s.relation === 'submitter' ||
      (isOutside(s) &&
        ((s.relation === 'holder' && s.level >= 1) || s.level >= 3 || (s.level >= 2 && hasLevel(s) && !s.held)))),
};

const REFUSALS: Record<
  string,
  (caller: { id: number; reviewerLevel: number }, review: ReviewFacts) => RuleRefusal | null
> = {
  claim: refuseClaim,
  release: refuseRelease,
  approve: refuseApprove,
  reject: refuseReject,
  override: refuseOverride,
  withdraw: refuseWithdraw,
  refreshSnapshot: refuseRefreshSnapshot,
  comment: (caller, review) => refuseComment(caller, review),
  runCopy: refuseRunningCopy,
};

describe('who may do what', () => {
  it('covers every relation, level, status and priority', () => {
    expect(SITUATIONS.length).toBe(480);
  });

  it.each(Object.keys(MAY))('%s is allowed exactly where the matrix says so', (action) => {
    const wrong = SITUATIONS.filter((situation) => {
      const refused = REFUSALS[action]?.(callerOf(situation), reviewOf(situation));
      return (refused === null) !== MAY[action]?.(situation);
    });
    expect(wrong).toEqual([]);
  });

  it('lists as actions exactly what is not refused', () => {
    for (const situation of SITUATIONS) {
      const expected = Object.keys(MAY).filter((action) => MAY[action]?.(situation));
      expect(availableActions(callerOf(situation), reviewOf(situation)).sort()).toEqual(expected.sort());
    }
  });

  it('lets nobody do anything with a withdrawn review', () => {
    for (const situation of SITUATIONS) {
      expect(availableActions(callerOf(situation), reviewOf(situation, { withdrawnAt: new Date() }))).toEqual([]);
    }
  });

  it('is for the submitter alone until there is a snapshot', () => {
    for (const situation of SITUATIONS.filter((each) => each.status === 'pending')) {
      const review = reviewOf(situation, { snapshotId: null });
      const actions = situation.relation === 'submitter' ? ['withdraw', 'refreshSnapshot'] : [];
      expect(availableActions(callerOf(situation), review)).toEqual(actions);
      expect(mayRead(callerOf(situation), review)).toBe(situation.relation === 'submitter');
    }
  });

  it('lets submitter and level 1 read', () => {
    for (const situation of SITUATIONS) {
      const expected = situation.relation === 'submitter' || situation.level >= 1;
      expect(mayRead(callerOf(situation), reviewOf(situation))).toBe(expected);
    }
  });
});

describe('the words of a verdict', () => {
  const situation: Situation = { relation: 'holder', level: 1, status: 'in_review', priority: 'low', held: true };
  const caller = callerOf(situation);
  const long = 'a summary that is long enough';

  it('must name the present snapshot', () => {
    const review = reviewOf(situation);
    const words = { expectedSnapshotId: 6, note: long };
    for (const refused of [refuseApprove(caller, review, words), refuseReject(caller, review, words)]) {
      expect(refused?.code).toBe('REVIEW_SNAPSHOT_CHANGED');
    }
    expect(refuseApprove(caller, review, { expectedSnapshotId: 7, note: '' })).toBeNull();
  });

  it('must give a reason for a no, unless an issue is open', () => {
    const short = { expectedSnapshotId: 7, note: 'no                          ' };
    expect(refuseReject(caller, reviewOf(situation), short)?.code).toBe('REVIEW_REASON_REQUIRED');
    expect(refuseReject(caller, reviewOf(situation, { openIssues: 1 }), short)).toBeNull();
    expect(refuseReject(caller, reviewOf(situation), { expectedSnapshotId: 7, note: long })).toBeNull();
  });

  it('do not approve over an open issue; level 4 does with a reason', () => {
    const review = reviewOf(situation, { openIssues: 2 });
    expect(refuseApprove(caller, review)?.code).toBe('REVIEW_OPEN_ISSUES');
    const chief = { ...caller, reviewerLevel: 4 };
    expect(refuseOverride(chief, review, { expectedSnapshotId: 7, note: 'short' })?.code).toBe(
      'REVIEW_REASON_REQUIRED',
    );
    expect(refuseOverride(chief, review, { expectedSnapshotId: 7, note: long })).toBeNull();
  });
});

describe('resolving', () => {
  const published = new Date();
  it.each([
    ['the submitter', { relation: 'submitter', level: 4 }, 'issue', 99, false],
    ['who raised it', { relation: 'other', level: 1 }, 'issue', CALLERS.other, true],
    ['the holder', { relation: 'holder', level: 1 }, 'issue', 99, true],
    ['another reviewer of level 3', { relation: 'other', level: 3 }, 'issue', 99, false],
    ['level 4', { relation: 'other', level: 4 }, 'issue', 99, true],
    ['an editor of level 4', { relation: 'editor', level: 4 }, 'issue', 99, false],
    ['the submitter', { relation: 'submitter', level: 0 }, 'question', 99, true],
    ['another reviewer of level 1', { relation: 'other', level: 1 }, 'question', 99, false],
    ['another reviewer of level 3', { relation: 'other', level: 3 }, 'question', 99, true],
  ] as const)('by %s (%j) of an %s by %i: %s', (_who, who, type, authorId, allowed) => {
    const situation: Situation = { ...who, status: 'in_review', priority: 'low', held: true };
    const comment = { author: { id: authorId }, type, publishedAt: published };
    expect(refuseResolve(callerOf(situation), reviewOf(situation), comment) === null).toBe(allowed);
  });
});
