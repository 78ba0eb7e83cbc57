import {
  availableActions,
  mayRead,
  refuseApprove,
  refuseClaim,
  refuseComment,
  refuseOverride,
  refusePriority,
  refuseReassign,
  refuseRefreshSnapshot,
  refuseReject,
  refuseRelease,
  refuseRunningCopy,
  refuseResolve,
  refuseWithdraw,
} from '#api/policies/reviewPolicy.ts';
import { mayGrantLevels, requireMaySetLevelOf } from '#api/policies/userPolicy.ts';
import { COMMENT_TYPES, type ReviewPriority, type ReviewStatus } from '#shared/domain/review.ts';
import type { ReviewFacts, RuleRefusal } from '#shared/domain/reviewRules.ts';

/**
 * Who asks: the submitter; an editor of the snapshot; who holds it (while it is pending: to whom it is assigned); a peer,
 * while somebody else holds it; a stranger, while nobody does.
 */
const RELATIONS = ['submitter', 'editor', 'holder', 'peer', 'stranger'] as const;
type Relation = (typeof RELATIONS)[number];
const STATUSES = ['pending', 'in_review', 'approved', 'rejected', 'withdrawn'] as const;
const LEVELS = [0, 1, 2, 3, 4];
const PRIORITIES = ['low', 'medium', 'high', 'urgent'] as const;

interface Situation {
  relation: Relation;
  level: number;
  status: (typeof STATUSES)[number];
  priority: ReviewPriority;
}

const SITUATIONS: Situation[] = RELATIONS.flatMap((relation) =>
  LEVELS.flatMap((level) =>
    STATUSES.flatMap((status) => PRIORITIES.map((priority) => ({ relation, level, status, priority }))),
  ),
);

/** Which levels may. `P`: the level that the priority needs: 1 for low and medium, 2 for high, 3 for urgent. */
type Levels = '—' | 'all' | '1+' | '2+' | '3+' | '4' | 'P' | 'P and 2+, or 3+';
type Row = Readonly<Record<Relation, Levels>>;

const NOBODY: Row = { submitter: '—', editor: '—', holder: '—', peer: '—', stranger: '—' };
const READERS: Row = { submitter: 'all', editor: '1+', holder: '1+', peer: '1+', stranger: '1+' };
const VERDICT: Row = { ...NOBODY, holder: 'P', peer: '4', stranger: '4' };
const OVERRIDE: Row = { ...NOBODY, holder: '4', peer: '4', stranger: '4' };
const RELEASE: Row = { ...NOBODY, holder: 'all' };
const SUBMITTER: Row = { ...NOBODY, submitter: 'all' };
const WITHDRAW: Row = { submitter: 'all', editor: '—', holder: '4', peer: '4', stranger: '4' };
const REASSIGN: Row = { ...NOBODY, holder: '2+', peer: '3+', stranger: '3+' };
const SPEAK: Row = { submitter: 'all', editor: '—', holder: 'all', peer: '3+', stranger: 'P and 2+, or 3+' };
const RUN: Row = { ...SPEAK, holder: '1+' };
const ANY_PRIORITY: Row = { ...NOBODY, holder: '3+', peer: '3+', stranger: '3+' };
const PRIORITY: Row = { ...ANY_PRIORITY, submitter: 'all' };

/** The matrix, written down. Once there is a verdict, or the review is withdrawn, everybody who may read may only read. */
const MATRIX: Record<string, Readonly<{ pending: Row; in_review: Row; ended?: Row }>> = {
  read: { pending: READERS, in_review: READERS, ended: READERS },
  claim: { pending: { ...NOBODY, holder: 'P', stranger: 'P' }, in_review: { ...NOBODY, stranger: 'P' } },
  release: { pending: RELEASE, in_review: RELEASE },
  approve: { pending: VERDICT, in_review: VERDICT },
  reject: { pending: VERDICT, in_review: VERDICT },
  override: { pending: OVERRIDE, in_review: OVERRIDE },
  withdraw: { pending: WITHDRAW, in_review: WITHDRAW },
  refreshSnapshot: { pending: SUBMITTER, in_review: SUBMITTER },
  reassign: { pending: REASSIGN, in_review: REASSIGN },
  comment: { pending: SPEAK, in_review: SPEAK },
  'comment of type approval': { pending: { ...SPEAK, submitter: '—' }, in_review: { ...SPEAK, submitter: '—' } },
  runCopy: { pending: RUN, in_review: RUN },
  'lower the priority': { pending: PRIORITY, in_review: PRIORITY },
  'raise the priority': { pending: PRIORITY, in_review: ANY_PRIORITY },
};

type Asker = { id: number; reviewerLevel: number };
const REASON = 'a reason that is long enough';
const WORDS = { expectedSnapshotId: 7, note: REASON };

/** What the product answers; a change of priority is to the one next to it, and there is none below low or above urgent. */
const ANSWERS: Record<string, (asker: Asker, review: ReviewFacts) => RuleRefusal | boolean | null> = {
  read: (asker, review) => !mayRead(asker, review),
  claim: refuseClaim,
  release: refuseRelease,
  approve: (asker, review) => refuseApprove(asker, review, WORDS),
  reject: (asker, review) => refuseReject(asker, review, WORDS),
  override: (asker, review) => refuseOverride(asker, review, WORDS),
  withdraw: (asker, review) => refuseWithdraw(asker, review, WORDS),
  refreshSnapshot: refuseRefreshSnapshot,
  reassign: (asker, review) => refuseReassign(asker, review, WORDS),
  comment: (asker, review) => refuseComment(asker, review),
  'comment of type approval': (asker, review) => refuseComment(asker, review, 'approval'),
  runCopy: refuseRunningCopy,
  'lower the priority': (asker, review) => refusePriority(asker, review, { priority: 'low', note: '' }),
  'raise the priority': (asker, review) => refusePriority(asker, review, { priority: 'urgent', note: REASON }),
};

const IDS: Record<Relation, number> = { submitter: 1, editor: 2, holder: 3, peer: 4, stranger: 5 };
const SOMEBODY = 99;

const askerOf = ({ relation, level }: Pick<Situation, 'relation' | 'level'>): Asker => ({
  id: IDS[relation],
  reviewerLevel: level,
});

function reviewOf({ relation, status, priority }: Omit<Situation, 'level'>, change: Partial<ReviewFacts> = {}) {
  const holder = { holder: IDS.holder, peer: SOMEBODY, submitter: SOMEBODY, editor: SOMEBODY, stranger: null }[
    relation
  ];
  return {
    status: (status === 'withdrawn' ? 'in_review' : status) satisfies ReviewStatus,
    withdrawnAt: status === 'withdrawn' ? new Date('2026-01-01T00:00:00Z') : null,
    priority,
    submittedBy: { id: IDS.submitter },
    assignedTo: holder === null ? null : { id: holder, username: 'bob' },
    claimExpiresAt: holder === null ? null : new Date('2026-01-02T03:04:05Z'),
    snapshotId: 7,
    openIssues: 0,
    editorIds: [IDS.submitter, IDS.editor],
    ...change,
  };
}

const NEEDED: Record<ReviewPriority, number> = { low: 1, medium: 1, high: 2, urgent: 3 };

function includes(levels: Levels, { level, priority }: Situation): boolean {
  const needed = NEEDED[priority];
  const meaning: Record<Levels, boolean> = {
    '—': false,
    all: true,
    '1+': level >= 1,
    '2+': level >= 2,
    '3+': level >= 3,
    '4': level === 4,
    P: level >= needed,
    'P and 2+, or 3+': level >= 3 || (level >= 2 && level >= needed),
  };
  return meaning[levels];
}

function allowed(action: string, situation: Situation): boolean {
  const { pending, in_review: inReview, ended } = MATRIX[action]!;
  const row = { pending, in_review: inReview, approved: ended, rejected: ended, withdrawn: ended }[situation.status];
  // Raising the highest priority, or lowering the lowest, asks for what is there already: nothing is raised.
  const stays =
    action === 'raise the priority' && situation.priority === 'urgent' && situation.relation === 'submitter';
  return includes((stays ? PRIORITY : (row ?? NOBODY))[situation.relation], situation) && (!stays || row !== undefined);
}

describe('who may do what with a review', () => {
  it('covers every relation, level, status and priority', () => {
    expect(SITUATIONS).toHaveLength(5 * 5 * 5 * 4);
    expect(Object.keys(ANSWERS).sort()).toEqual(Object.keys(MATRIX).sort());
  });

  it.each(Object.keys(MATRIX))('%s: exactly as the matrix says', (action) => {
    const answered = SITUATIONS.map((situation) => {
      const refusal = ANSWERS[action]!(askerOf(situation), reviewOf(situation));
      return { ...situation, may: refusal === null || refusal === false };
    });
    const wrong = answered.filter(({ may, ...situation }) => may !== allowed(action, situation));
    expect(wrong).toEqual([]);
  });

  it('the actions that a page shows are those that the matrix allows', () => {
    const plain = [
      'claim',
      'release',
      'comment',
      'approve',
      'reject',
      'override',
      'withdraw',
      'reassign',
      'refreshSnapshot',
      'runCopy',
    ];
    for (const situation of SITUATIONS) {
      const expected = plain.filter((action) => allowed(action, situation));
      // Whether any change of priority is open to them: up, or down unless it is the lowest already.
      const lowers = situation.priority !== 'low' && allowed('lower the priority', situation);
      const raises = MATRIX['raise the priority']![situation.status as 'pending']?.[situation.relation] ?? '—';
      if (lowers || includes(raises, situation)) expected.push('priority');
      const actions = availableActions(askerOf(situation), reviewOf(situation));
      expect({ situation, actions: actions.sort() }).toEqual({ situation, actions: expected.sort() });
    }
  });

  it('until there is a snapshot it is the submitter’s alone', () => {
    for (const situation of SITUATIONS.filter(({ status }) => status === 'pending')) {
      const review = reviewOf(situation, { snapshotId: null, assignedTo: null });
      const own = situation.relation === 'submitter';
      expect(mayRead(askerOf(situation), review)).toBe(own);
      if (own) {
        expect(availableActions(askerOf(situation), review)).toEqual(['withdraw', 'priority', 'refreshSnapshot']);
      }
      if (situation.relation === 'stranger' && situation.level < 4) {
        expect(availableActions(askerOf(situation), review)).toEqual([]);
      }
    }
  });
});

describe('who may resolve a comment, or open it again', () => {
  const WHO = [...RELATIONS, 'raiser'] as const;
  type Resolver = Readonly<Record<(typeof WHO)[number], Levels>>;
  const ISSUE: Resolver = { submitter: '—', editor: '—', holder: 'all', peer: '4', stranger: '4', raiser: 'all' };
  const OTHER: Resolver = { submitter: 'all', editor: '—', holder: 'all', peer: '3+', stranger: '3+', raiser: 'all' };

  const cases = COMMENT_TYPES.flatMap((type) => WHO.flatMap((who) => LEVELS.map((level) => ({ type, who, level }))));
  it.each(cases)('$type by $who of level $level', ({ type, who, level }) => {
    const relation = who === 'raiser' ? 'peer' : who;
    const situation: Situation = { relation, level, status: 'in_review', priority: 'low' };
    const comment = { author: { id: who === 'raiser' ? IDS.peer : SOMEBODY }, type, publishedAt: new Date() };
    const may = refuseResolve(askerOf(situation), reviewOf(situation), comment) === null;
    expect(may).toBe(includes((type === 'issue' ? ISSUE : OTHER)[who], situation));
    for (const status of ['approved', 'rejected', 'withdrawn'] as const) {
      const ended = { ...situation, status };
      expect(refuseResolve(askerOf(ended), reviewOf(ended), comment)?.code).toBe('REVIEW_ALREADY_DECIDED');
    }
    expect(refuseResolve(askerOf(situation), reviewOf(situation), { ...comment, publishedAt: null })).not.toBeNull();
  });
});

describe('the words of a decision', () => {
  const situation: Situation = { relation: 'holder', level: 1, status: 'in_review', priority: 'low' };
  const holder = askerOf(situation);
  const chief = { ...holder, reviewerLevel: 4 };
  const long = 'a summary that is long enough';
  const words = (note: string, expectedSnapshotId: number | null = 7) => ({ expectedSnapshotId, note });

  it('name the snapshot that the verdict is about', () => {
    const review = reviewOf(situation);
    const refusals = [refuseApprove, refuseReject].map((refuse) => refuse(holder, review, words(long, 6))?.code);
    expect([...refusals, refuseOverride(chief, review, words(long, 6))?.code]).toEqual(
      Array.from({ length: 3 }, () => 'REVIEW_SNAPSHOT_CHANGED'),
    );
    expect(refuseApprove(holder, review, words(''))).toBeNull();
  });

  it('give a reason for a no, unless an issue is open', () => {
    const short = words('no                          ');
    expect(refuseReject(holder, reviewOf(situation), short)?.code).toBe('REVIEW_REASON_REQUIRED');
    expect(refuseReject(holder, reviewOf(situation, { openIssues: 1 }), short)).toBeNull();
    expect(refuseReject(holder, reviewOf(situation), words(long))).toBeNull();
  });

  it('do not approve over an open issue; level 4 does with a reason', () => {
    const review = reviewOf(situation, { openIssues: 2 });
    expect(refuseApprove(chief, review)?.code).toBe('REVIEW_OPEN_ISSUES');
    expect(refuseOverride(chief, review, words('short'))?.code).toBe('REVIEW_REASON_REQUIRED');
    expect(refuseOverride(chief, review, words(long))).toBeNull();
  });

  it('say why somebody else’s review is withdrawn; one’s own needs no reason', () => {
    const stranger = { id: IDS.stranger, reviewerLevel: 4 };
    expect(refuseWithdraw(stranger, reviewOf(situation), words('  too short  '.slice(0, 9)))?.code).toBe(
      'REVIEW_REASON_REQUIRED',
    );
    expect(refuseWithdraw(stranger, reviewOf(situation), words(REASON))).toBeNull();
    expect(refuseWithdraw({ id: IDS.submitter, reviewerLevel: 4 }, reviewOf(situation), words(''))).toBeNull();
  });

  it('say why a review is taken from its holder, or forced on somebody', () => {
    const leader = { id: IDS.peer, reviewerLevel: 3 };
    const held = reviewOf({ ...situation, relation: 'peer' });
    expect(refuseReassign(leader, held, words(''))?.code).toBe('REVIEW_REASON_REQUIRED');
    expect(refuseReassign(leader, held, words(REASON))).toBeNull();
    expect(refuseReassign(leader, reviewOf({ ...situation, relation: 'stranger' }), words(''))).toBeNull();
    expect(refuseReassign({ ...holder, reviewerLevel: 2 }, reviewOf(situation), words(''))).toBeNull();
    const forced = refuseReassign(chief, reviewOf(situation), { ...words(''), force: true });
    expect(forced?.code).toBe('REVIEW_REASON_REQUIRED');
  });

  it('say why a priority is raised, whoever raises it', () => {
    const pending = { status: 'pending', priority: 'low', relation: 'stranger' } as const;
    for (const asker of [
      { id: IDS.submitter, reviewerLevel: 0 },
      { id: IDS.stranger, reviewerLevel: 3 },
    ]) {
      const raise = { priority: 'high', note: 'because' } as const;
      expect(refusePriority(asker, reviewOf(pending), raise)?.code).toBe('REVIEW_REASON_REQUIRED');
      expect(refusePriority(asker, reviewOf(pending), { ...raise, note: REASON })).toBeNull();
      const lower = reviewOf({ ...pending, priority: 'urgent' });
      expect(refusePriority(asker, lower, { priority: 'high', note: '' })).toBeNull();
    }
  });
});

describe('who may grant reviewer levels', () => {
  const cases = LEVELS.flatMap((reviewerLevel) => [false, true].map((isOperator) => ({ reviewerLevel, isOperator })));
  it.each(cases)('level $reviewerLevel, operator $isOperator', (asker) => {
    const expected = asker.isOperator || asker.reviewerLevel === 4;
    expect(mayGrantLevels(asker)).toBe(expected);
    const grant = (userId: number) => () => requireMaySetLevelOf({ id: 1, ...asker }, userId);
    if (expected) expect(grant(2)).not.toThrow();
    else expect(grant(2)).toThrow();
    expect(grant(1)).toThrow();
  });
});
