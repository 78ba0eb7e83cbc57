import { setClocks, type ClockFacts, type ClockSettings } from '#shared/domain/reviewClocks.ts';

const SETTINGS: ClockSettings = {
  dueSeconds: { urgent: 3_600, high: 14_400, medium: 86_400, low: 259_200 },
  reminderPercent: 75,
  claimSeconds: 86_400,
};

function facts(change: Partial<ClockFacts> = {}): ClockFacts {
  return {
    status: 'pending',
    withdrawnAt: null,
    snapshotId: 3,
    submittedAt: new Date('2026-01-01T00:00:00Z'),
    dueAt: new Date('2026-01-01T04:00:00Z'),
    assignedTo: null,
    claimExpiresAt: null,
    reminded: false,
    escalated: false,
    leaseWarned: false,
    ...change,
  };
}

const held = {
  status: 'in_review',
  assignedTo: { id: 7 },
  claimExpiresAt: new Date('2026-01-02T00:00:00Z'),
} as const;

const clocksOf = (change: Partial<ClockFacts>) => setClocks(facts(change), SETTINGS);

describe('the clocks of a review that nobody claimed', () => {
  it('are a reminder at three quarters of the time and an escalation when it is due', () => {
    expect(clocksOf({})).toEqual([
      { kind: 'reminder', at: '2026-01-01T03:00:00.000Z' },
      { kind: 'escalation', at: '2026-01-01T04:00:00.000Z' },
    ]);
  });

  it('ring once each', () => {
    expect(clocksOf({ reminded: true }).map(({ kind }) => kind)).toEqual(['escalation']);
    expect(clocksOf({ escalated: true }).map(({ kind }) => kind)).toEqual(['reminder']);
    expect(clocksOf({ reminded: true, escalated: true })).toEqual([]);
  });

  it('are not set before there is something to look at, nor without a time', () => {
    expect(clocksOf({ snapshotId: null })).toEqual([]);
    expect(clocksOf({ dueAt: null })).toEqual([]);
  });

  it('ring in order when both were missed, also where the share leaves nothing between them', () => {
    const whole = { ...SETTINGS, reminderPercent: 100 };
    expect(setClocks(facts(), whole).map(({ kind }) => kind)).toEqual(['reminder', 'escalation']);
  });

  it('are the same whether somebody is assigned or not', () => {
    expect(clocksOf({ assignedTo: { id: 7 } })).toEqual(clocksOf({}));
  });
});

describe('the clocks of a claim', () => {
  it('are a warning after three quarters of it and its end', () => {
    expect(clocksOf(held)).toEqual([
      { kind: 'leaseWarning', at: '2026-01-01T18:00:00.000Z' },
      { kind: 'leaseEnd', at: '2026-01-02T00:00:00.000Z' },
    ]);
    expect(clocksOf({ ...held, leaseWarned: true }).map(({ kind }) => kind)).toEqual(['leaseEnd']);
  });

  it('are set beside those of the first look where a review was given to somebody who has not claimed it', () => {
    expect(clocksOf({ ...held, status: 'pending' }).map(({ kind }) => kind)).toEqual([
      'reminder',
      'escalation',
      'leaseWarning',
      'leaseEnd',
    ]);
  });

  it('are none while nobody holds the review: after a first claim the first look is no longer due', () => {
    expect(clocksOf({ status: 'in_review' })).toEqual([]);
  });
});

describe('a review that has ended', () => {
  it.each<[string, Partial<ClockFacts>]>([
    ['approved', { ...held, status: 'approved' }],
    ['rejected', { ...held, status: 'rejected' }],
    ['withdrawn while it waited', { withdrawnAt: new Date() }],
    ['withdrawn while it was held', { ...held, withdrawnAt: new Date() }],
  ])('has no clock: %s', (_name, change) => {
    expect(clocksOf(change)).toEqual([]);
  });
});
