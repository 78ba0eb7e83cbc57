import { nextClock } from '#workflows/review/review.clocks.ts';
import { describeClocks, isOverdue } from '#workflows/review/review.details.ts';
import { ReviewMachine } from '#workflows/review/review.machine.ts';
import type { ReviewRecord, ReviewTimes } from '#workflows/review/review.ports.ts';
import type { ReviewRun } from '#workflows/review/review.run.ts';

const IN_AN_HOUR = new Date(Date.now() + 3_600_000).toISOString();
const AN_HOUR_AGO = new Date(Date.now() - 3_600_000).toISOString();

function times(change: Partial<ReviewTimes> = {}): ReviewTimes {
  return {
    changeSeq: 7,
    turnSince: '2026-01-01T00:00:00.000Z',
    remindedAt: null,
    escalatedAt: null,
    clocks: [{ kind: 'reminder', at: IN_AN_HOUR }],
    ...change,
  };
}

function row(change: Partial<ReviewRecord> = {}): ReviewRecord {
  return {
    reviewId: 7,
    sessionUuid: '2b0e7a3e-4a5c-4b53-9f0e-6a3f1f1c0b11',
    title: 'fractals',
    submittedBy: 1,
    submittedByName: 'alice',
    status: 'pending',
    priority: 'high',
    assignedTo: null,
    assignedToName: null,
    snapshotId: 3,
    withdrawn: false,
    claimExpiresAt: null,
    dueAt: null,
    times: times(),
    ...change,
  };
}

const held = { status: 'in_review', assignedTo: 5, assignedToName: 'bob', claimExpiresAt: IN_AN_HOUR } as const;

function machineWith(review: ReviewRecord): ReviewMachine {
  const machine = new ReviewMachine(7);
  machine.apply(review);
  return machine;
}

const next = (review: ReviewRecord, askNotBefore = 0) =>
  nextClock({ machine: machineWith(review), askNotBefore } as ReviewRun);

describe('the timer of a run', () => {
  it('is for the first clock of the row, and says what for', () => {
    const clock = next(row());
    expect(clock).toMatchObject({ kind: 'reminder', summary: 'remind a reviewer of the first look' });
    expect(Math.abs((clock?.waitMs ?? 0) - 3_600_000)).toBeLessThan(10_000);
  });

  it('is none where the row sets no clock', () => {
    expect(next(row({ times: times({ clocks: [] }) }))).toBeNull();
  });

  it('rings at once for what was missed, but not before the database said that it is due', () => {
    const missed = row({ times: times({ clocks: [{ kind: 'escalation', at: AN_HOUR_AGO }] }) });
    expect(next(missed)?.waitMs).toBe(1);
    expect(next(missed, Date.now() + 60_000)?.waitMs).toBeGreaterThan(50_000);
  });

  it('is for the end of a claim alone where the row comes from before there were clocks', () => {
    const { times: _none, ...earlier } = row();
    expect(next(earlier)).toBeNull();
    expect(next({ ...earlier, ...held })).toMatchObject({ kind: 'leaseEnd', summary: 'claim of bob' });
    expect(next({ ...earlier, ...held, claimExpiresAt: AN_HOUR_AGO })?.waitMs).toBe(5_000);
  });
});

describe('a claim of a review that the run believes held', () => {
  const refusal = (review: ReviewRecord, seenSeq?: unknown) =>
    machineWith(review).refusal('claim', { opId: 'op', actorId: 2, ...(seenSeq === undefined ? {} : { seenSeq }) });

  it.each([undefined, 6, '9', null, {}])('is refused when its sender saw %j: the run knows better', (seenSeq) => {
    expect(refusal(row(held), seenSeq)?.refused).toBe('REVIEW_ALREADY_CLAIMED');
  });

  it.each([7, 8])('is left to the database when its sender saw %j: the row was free then', (seenSeq) => {
    expect(refusal(row(held), seenSeq)).toBeNull();
  });

  it('is refused whatever its sender saw where the row comes from before there were clocks', () => {
    const { times: _none, ...earlier } = row(held);
    expect(refusal(earlier, 99)?.refused).toBe('REVIEW_ALREADY_CLAIMED');
  });
});

describe('what an operator reads', () => {
  it('tells the turn, since when, and every timer', () => {
    expect(describeClocks(row())).toEqual([
      '- turn: the queue, any reviewer of level 2 or higher, since 2026-01-01T00:00:00.000Z',
      `- timer: remind a reviewer of the first look at ${IN_AN_HOUR}`,
    ]);
    const claimed = row({ ...held, times: times({ clocks: [{ kind: 'leaseEnd', at: IN_AN_HOUR }] }) });
    expect(describeClocks(claimed)).toEqual([
      '- turn: bob, since 2026-01-01T00:00:00.000Z',
      `- timer: end the claim of bob at ${IN_AN_HOUR}`,
    ]);
  });

  it('says what to do about a review that nobody claimed in time, until somebody claims it', () => {
    const rang = times({ remindedAt: AN_HOUR_AGO, escalatedAt: AN_HOUR_AGO, clocks: [] });
    const overdue = row({ times: rang });
    expect(isOverdue(overdue)).toBe(true);
    expect(describeClocks(overdue).join('\n')).toContain('**needs attention**');
    expect(describeClocks(overdue).join('\n')).toContain('Ask somebody of level 2 or higher');
    for (const change of [held, { withdrawn: true }, { status: 'approved' }] as const) {
      expect(isOverdue(row({ ...change, times: rang }))).toBe(false);
    }
  });

  it('tells why a review without a snapshot needs attention', () => {
    const machine = machineWith(row({ snapshotId: null, times: times({ clocks: [] }) }));
    expect(machine.details).toContain('The snapshot is being made');
    machine.needsAttention = true;
    expect(machine.details).toContain('the snapshot was refused');
  });
});
