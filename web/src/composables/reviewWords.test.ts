import { awaySentence, historySentence, statusWord, turnSentence } from './reviewWords.ts';

const author = { id: 1, username: 'ada', reviewerLevel: 0, awayUntil: null };
const reviewer = { id: 2, username: 'bo', reviewerLevel: 1, awayUntil: null };
type Turn = Parameters<typeof turnSentence>[0];
const since = '2026-01-01T00:00:00Z';
const turns = {
  pool: { turn: 'pool', person: null, since, why: '' },
  nobody: { turn: 'nobody', person: null, since, why: '' },
  assignee: { turn: 'assignee', person: reviewer, since, why: '' },
  submitter: { turn: 'submitter', person: author, since, why: '' },
} as const;
const review = (change: Partial<Turn> = {}): Turn => ({
  status: 'pending',
  withdrawnAt: null,
  snapshotId: 7,
  submittedBy: author,
  openIssues: 0,
  turn: turns.pool,
  actions: [],
  ...change,
});

describe('whose turn it is', () => {
  it('is told to author and reviewer each from their side', () => {
    const held = review({ status: 'in_review', turn: turns.assignee, openIssues: 2 });
    expect(turnSentence(held, reviewer.id)).toBe('Your turn: read it and decide');
    expect(turnSentence(held, author.id)).toBe('With bo, 2 open issues');
    const asked = review({ status: 'in_review', turn: turns.submitter, openIssues: 1 });
    expect(turnSentence(asked, author.id)).toBe('Your turn: answer your reviewer');
    expect(turnSentence(asked, reviewer.id)).toBe('Waits for its author, ada, 1 open issue');
    const rejected = review({ status: 'rejected', turn: turns.submitter });
    expect(turnSentence(rejected, author.id)).toContain('Your turn');
    expect(turnSentence(rejected, reviewer.id)).toBe('Back with its author');
  });
  it('is the pool’s while nobody holds it, also after a release', () => {
    expect(turnSentence(review({ actions: ['claim'] }), reviewer.id)).toContain('you may claim it');
    expect(turnSentence(review(), reviewer.id)).toBe('Waits for a reviewer');
    expect(turnSentence(review({ status: 'in_review' }), author.id)).toBe('Waits for a reviewer');
  });
  it('is the assignee’s who has not claimed it yet, and everybody reads that it is assigned', () => {
    const assigned = review({ status: 'pending', turn: turns.assignee });
    expect(turnSentence(assigned, reviewer.id)).toBe('Your turn: claim it to begin');
    expect(turnSentence(assigned, author.id)).toBe(`Assigned to ${reviewer.username}`);
  });
  it.each<[string, Partial<Turn>]>([
    ['The files are being frozen', { snapshotId: null }],
    ['Withdrawn by its author', { withdrawnAt: since }],
    ['Nothing left to do', { status: 'approved' }],
    ['Went on in another round', { status: 'rejected' }],
  ])('is nobody’s: %s', (sentence, change) => {
    expect(turnSentence(review({ ...change, turn: turns.nobody }), reviewer.id)).toBe(sentence);
  });
});

describe('somebody who is away', () => {
  it('is said to be', () => {
    expect(awaySentence({ awayUntil: since })).toMatch(/^away until (Jan 1, 2026|Dec 31, 2025)/);
    expect(awaySentence(reviewer)).toBeNull();
    expect(awaySentence(null)).toBeNull();
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
