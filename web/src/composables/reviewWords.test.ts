import { historySentence, statusWord, turnSentence } from './reviewWords.ts';

const author = { id: 1, username: 'ada', reviewerLevel: 0 };
const reviewer = { id: 2, username: 'bo', reviewerLevel: 1 };
type Turn = Parameters<typeof turnSentence>[0];
const review = (change: Partial<Turn> = {}): Turn => ({
  status: 'pending',
  withdrawnAt: null,
  snapshotId: 7,
  assignedTo: null,
  submittedBy: author,
  openIssues: 0,
  actions: [],
  ...change,
});

describe('whose turn it is', () => {
  it('is told to author and reviewer each from their side', () => {
    const held = review({ status: 'in_review', assignedTo: reviewer, openIssues: 2 });
    expect(turnSentence(held, reviewer.id)).toBe('Your turn: read it and decide');
    expect(turnSentence(held, author.id)).toBe('With bo, 2 open issues');
    const rejected = review({ status: 'rejected', assignedTo: reviewer });
    expect(turnSentence(rejected, author.id)).toContain('Your turn');
    expect(turnSentence(rejected, reviewer.id)).toBe('Back with its author');
  });
  it('is the pool’s while nobody holds it, also after a release', () => {
    expect(turnSentence(review({ actions: ['claim'] }), reviewer.id)).toContain('you may claim it');
    expect(turnSentence(review(), reviewer.id)).toBe('Waits for a reviewer');
    expect(turnSentence(review({ status: 'in_review' }), author.id)).toBe('Waits for a reviewer');
  });
  it('is the assignee’s who has not claimed it yet, and everybody reads that it is assigned', () => {
    const assigned = review({ status: 'pending', assignedTo: reviewer });
    expect(turnSentence(assigned, reviewer.id)).toBe('Your turn: claim it to begin');
    expect(turnSentence(assigned, author.id)).toBe(`Assigned to ${reviewer.username}`);
  });
  it('is nobody’s before the snapshot is made and after a withdrawal', () => {
    expect(turnSentence(review({ snapshotId: null }), author.id)).toBe('The files are being frozen');
    expect(turnSentence(review({ withdrawnAt: '2026-01-01T00:00:00Z' }), reviewer.id)).toBe(
      'Withdrawn: nothing left to do',
    );
  });
});

describe('the chip of a review', () => {
  it('says withdrawn rather than a status that would count against it', () => {
    expect(statusWord({ status: 'in_review', withdrawnAt: '2026-01-01T00:00:00Z' }).word).toBe('Withdrawn');
    expect(statusWord({ status: 'rejected', withdrawnAt: null })).toEqual({ word: 'Rejected', tone: 'bad' });
  });
});

describe('a row of the history', () => {
  it('is a sentence without its verb code, with moments that people read', () => {
    const sentence = historySentence('claim: bo took the review until 2026-11-23T19:17:56.512Z.');
    expect(sentence).toMatch(/^Bo took the review until Nov 2\d, 2026/);
    expect(sentence).not.toContain('T19:17');
  });
  it('without a code stays as it is', () => {
    expect(historySentence('Reads well: thank you')).toBe('Reads well: thank you');
  });
});
