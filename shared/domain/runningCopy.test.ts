import type { ReviewPriority } from '#shared/domain/review.ts';
import type { ReviewFacts } from '#shared/domain/reviewRules.ts';
import { runningCopyRefusal } from '#shared/domain/runningCopy.ts';

const SUBMITTER = 1;
const EDITOR = 2;
const HOLDER = 3;
const OTHER = 4;

function reviewOf(given: Partial<ReviewFacts> = {}): ReviewFacts {
  return {
    status: 'in_review',
    withdrawnAt: null,
    priority: 'medium',
    submittedBy: { id: SUBMITTER },
    assignedTo: { id: HOLDER, username: 'holder' },
    claimExpiresAt: null,
    snapshotId: 7,
    openIssues: 0,
    editorIds: [SUBMITTER, EDITOR],
    ...given,
  };
}

const codeOf = (review: ReviewFacts, id: number, reviewerLevel: number): string | null =>
  runningCopyRefusal(review, { id, reviewerLevel })?.code ?? null;

const unclaimed = (priority: ReviewPriority): ReviewFacts =>
  reviewOf({ status: 'pending', assignedTo: null, priority });

describe('who may run a throw-away copy', () => {
  it.each([
    ['the submitter, whatever their level', reviewOf(), SUBMITTER, 0, null],
    ['an editor of the snapshot does not', reviewOf(), EDITOR, 4, 'REVIEW_OWN_WORK'],
    ['the holder', reviewOf(), HOLDER, 1, null],
    ['a holder who is no reviewer any more does not', reviewOf(), HOLDER, 0, 'REVIEW_NOT_CLAIMED'],
    ['level 0 does not', unclaimed('low'), OTHER, 0, 'REVIEW_NOT_CLAIMED'],
    ['level 1 does not without a claim', unclaimed('low'), OTHER, 1, 'REVIEW_NOT_CLAIMED'],
    ['level 2 while nobody holds what they could claim', unclaimed('high'), OTHER, 2, null],
    ['level 2 does not what they could not claim', unclaimed('urgent'), OTHER, 2, 'REVIEW_NOT_CLAIMED'],
    ['level 2 does not what another one holds', reviewOf(), OTHER, 2, 'REVIEW_NOT_CLAIMED'],
    ['level 3 whoever holds it', reviewOf({ priority: 'urgent' }), OTHER, 3, null],
    ['level 4 whoever holds it', reviewOf(), OTHER, 4, null],
    ['nobody before there is a snapshot', reviewOf({ snapshotId: null }), SUBMITTER, 0, 'REVIEW_NOT_READY'],
    ['nobody after an approval', reviewOf({ status: 'approved' }), SUBMITTER, 0, 'REVIEW_ALREADY_DECIDED'],
    ['nobody after a rejection', reviewOf({ status: 'rejected' }), HOLDER, 4, 'REVIEW_ALREADY_DECIDED'],
    ['nobody after a withdrawal', reviewOf({ withdrawnAt: new Date(0) }), HOLDER, 4, 'REVIEW_ALREADY_DECIDED'],
  ])('%s', (_rule, review, id, level, code) => {
    expect(codeOf(review, id, level)).toBe(code);
  });
});
