import type { Review, SubmittedReview } from '#shared/contracts/review.ts';
import type { CommentType, ReviewPriority, ReviewStatus } from '#shared/domain/review.ts';
import { absoluteTime, counted } from './format.ts';
import type { Tone } from './sessionWords.ts';

const STATUSES: Readonly<Record<ReviewStatus, { word: string; tone: Tone }>> = {
  pending: { word: 'Waiting', tone: 'warn' },
  in_review: { word: 'In review', tone: 'accent' },
  approved: { word: 'Approved', tone: 'good' },
  rejected: { word: 'Rejected', tone: 'bad' },
};
const PRIORITIES: Readonly<Record<ReviewPriority, { word: string; tone: Tone }>> = {
  low: { word: 'Low', tone: 'plain' },
  medium: { word: 'Medium', tone: 'plain' },
  high: { word: 'High', tone: 'warn' },
  urgent: { word: 'Urgent', tone: 'bad' },
};
const DECIDERS: Readonly<Record<SubmittedReview['deciders'], string>> = {
  reviewers: 'Reviewers see it in their queue.',
  level4: 'Only level 4 can decide it now: there is no other reviewer for this priority who did not work on it.',
  nobody: 'But nobody here can decide it yet: somebody else has to become a reviewer of the level that it needs.',
};
const COMMENT_TYPE_WORDS: Readonly<Record<CommentType, { word: string; tone: Tone }>> = {
  general: { word: 'Comment', tone: 'plain' },
  suggestion: { word: 'Suggestion', tone: 'accent' },
  issue: { word: 'Issue', tone: 'bad' },
  question: { word: 'Question', tone: 'warn' },
  approval: { word: 'Looks right to me', tone: 'good' },
};

/** What the chip of a review says. A withdrawn review keeps its status and says that it was withdrawn. */
export function statusWord(review: Pick<Review, 'status' | 'withdrawnAt'>): { word: string; tone: Tone } {
  return review.withdrawnAt === null ? STATUSES[review.status] : { word: 'Withdrawn', tone: 'plain' };
}
/** A priority as people read it. */
export function priorityWord(priority: ReviewPriority): string {
  return PRIORITIES[priority].word;
}
/** How urgent a priority looks. */
export function priorityTone(priority: ReviewPriority): Tone {
  return PRIORITIES[priority].tone;
}
/** A kind of comment as people read it. */
export function commentTypeWord(type: CommentType): { word: string; tone: Tone } {
  return COMMENT_TYPE_WORDS[type];
}

/** What a submitter should know about who can decide the review. */
export function decidersSentence(deciders: SubmittedReview['deciders']): string {
  return DECIDERS[deciders];
}

/** Whose turn it is, in words for the person who reads it. */
export function turnSentence(
  review: Pick<
    Review,
    'status' | 'withdrawnAt' | 'snapshotId' | 'assignedTo' | 'submittedBy' | 'openIssues' | 'actions'
  >,
  readerId: number,
): string {
  const isAuthor = review.submittedBy.id === readerId;
  if (review.withdrawnAt !== null) return 'Withdrawn: nothing left to do';
  if (review.status === 'approved') return 'Nothing left to do';
  if (review.status === 'rejected') return isAuthor ? 'Your turn: change it and submit again' : 'Back with its author';
  if (review.snapshotId === null) return 'The files are being frozen';
  if (review.assignedTo === null)
    return review.actions.includes('claim') ? 'Free: you may claim it' : 'Waits for a reviewer';
  if (review.assignedTo.id === readerId)
    return review.status === 'pending' ? 'Your turn: claim it to begin' : 'Your turn: read it and decide';
  const issues = review.openIssues > 0 ? `, ${counted(review.openIssues, 'open issue')}` : '';
  const how = review.status === 'pending' ? 'Assigned to' : 'With';
  return `${how} ${review.assignedTo.username}${issues}`;
}

/**
 * A row of the history for people: without the verb code that it begins with for programs, and with its moments in the
 * reader's own zone.
 */
export function historySentence(description: string): string {
  const words = description
    .replace(/^[a-z][\w-]*: /, '')
    .replace(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z/g, absoluteTime);
  return words.charAt(0).toUpperCase() + words.slice(1);
}
