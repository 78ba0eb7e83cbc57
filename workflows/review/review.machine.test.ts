import { REVIEW_STATUSES, type ReviewStatus } from '#shared/domain/review.ts';
import { REVIEW_TRANSITION_ACTIONS, REVIEW_TRANSITIONS } from '#shared/domain/reviewTransitions.ts';
import { ReviewMachine } from '#workflows/review/review.machine.ts';
import type { ReviewRecord } from '#workflows/review/review.ports.ts';

function row(change: Partial<ReviewRecord> = {}): ReviewRecord {
  return {
    reviewId: 7,
    sessionUuid: '2b0e7a3e-4a5c-4b53-9f0e-6a3f1f1c0b11',
    title: 'fractals',
    submittedBy: 1,
    submittedByName: 'alice',
    status: 'pending',
    priority: 'medium',
    assignedTo: null,
    assignedToName: null,
    snapshotId: 3,
    withdrawn: false,
    claimExpiresAt: null,
    dueAt: null,
    ...change,
  };
}

function machineWith(change: Partial<ReviewRecord> = {}): ReviewMachine {
  const machine = new ReviewMachine(7);
  machine.apply(row(change));
  return machine;
}

const by = (opId: string) => ({ opId, actorId: 2 });
const held = { assignedTo: 5, assignedToName: 'bob', claimExpiresAt: '2026-01-02T03:04:05.000Z' };

describe('a decision', () => {
  const cases = REVIEW_TRANSITION_ACTIONS.flatMap((action) => REVIEW_STATUSES.map((status) => ({ action, status })));

  it.each(cases)('$action on $status is refused exactly where the table says so', ({ action, status }) => {
    const refusal = machineWith({ status }).refusal(action, by('op'));
    if (REVIEW_TRANSITIONS[action][status] !== null) expect(refusal).toBeNull();
    else if (status === 'approved' || status === 'rejected') expect(refusal?.refused).toBe('REVIEW_ALREADY_DECIDED');
    else expect(refusal?.refused).toBe('REVIEW_NOT_CLAIMED');
  });

  it.each(REVIEW_TRANSITION_ACTIONS)('%s is refused on a withdrawn review', (action) => {
    const refusal = machineWith({ withdrawn: true }).refusal(action, by('op'));
    expect(refusal).toMatchObject({ refused: 'REVIEW_ALREADY_DECIDED', detail: 'The review was withdrawn.' });
  });

  it('to claim names who holds the review, and until when', () => {
    const refusal = machineWith({ status: 'in_review', ...held }).refusal('claim', by('op'));
    expect(refusal?.refused).toBe('REVIEW_ALREADY_CLAIMED');
    expect(refusal?.detail).toBe('bob holds this review until 2026-01-02T03:04:05.000Z.');
    expect(refusal?.data).toEqual({ holder: { id: 5, username: 'bob' }, claimExpiresAt: held.claimExpiresAt });
  });

  it('to claim a pending review passes for its assignee alone', () => {
    const machine = machineWith({ status: 'pending', ...held });
    expect(machine.refusal('claim', { opId: 'op', actorId: 5 })).toBeNull();
    expect(machine.refusal('claim', by('op'))?.refused).toBe('REVIEW_ALREADY_CLAIMED');
    expect(machine.details).toContain('assigned to bob');
  });

  it('that took effect passes when it is repeated: the database answers it as the first time', () => {
    const machine = machineWith();
    const decision = machine.enqueue('claim', by('first'));
    machine.apply(row({ status: 'in_review', ...held }));
    machine.settle(decision, { refused: null, seq: 2, status: 'in_review' });
    expect(machine.refusal('claim', by('first'))).toBeNull();
    expect(machine.refusal('claim', by('second'))?.refused).toBe('REVIEW_ALREADY_CLAIMED');
    expect(new ReviewMachine(7, machine.recentOpIds).refusal('claim', by('first'))).toBeNull();
  });

  it.each([undefined, null, {}, 'claim', 7, [], { opId: '' }, { opId: 'x' }, { actorId: 2 }, { opId: 3, actorId: 2 }])(
    'with the input %j is refused and throws nothing',
    (input) => {
      expect(machineWith().refusal('claim', input)?.refused).toBe('INVALID_INPUT');
    },
  );
});

describe('the queue', () => {
  it('keeps the order and shares the answer of a repeated operation', () => {
    const machine = machineWith();
    const first = machine.enqueue('claim', by('a'));
    const second = machine.enqueue('withdraw', by('b'));
    expect(machine.enqueue('claim', by('a'))).toBe(first);
    expect(machine.queue).toEqual([first, second]);
  });

  it('is refused to the last when the review has ended', () => {
    const machine = machineWith();
    const waiting = machine.enqueue('claim', by('a'));
    machine.apply(row({ status: 'approved' }));
    machine.refuseRest();
    const late = machine.enqueue('claim', by('b'));
    expect([waiting.answer?.refused, late.answer?.refused]).toEqual([
      'REVIEW_ALREADY_DECIDED',
      'REVIEW_ALREADY_DECIDED',
    ]);
    expect(machine.queue).toEqual([]);
  });

  it('remembers the last hundred operations', () => {
    const machine = machineWith();
    for (let index = 0; index < 130; index += 1) machine.remember(`op-${index}`);
    expect(machine.recentOpIds).toHaveLength(100);
    expect(machine.recentOpIds.at(-1)).toBe('op-129');
  });
});

describe('what automation sends', () => {
  it('is refused in words that operators read, now or when its turn comes', () => {
    const machine = machineWith({ status: 'in_review', ...held });
    machine.enqueueSignal('approve', by('auto/one'));
    expect(machine.queue).toHaveLength(1);
    machine.settle(machine.queue[0]!, { refused: 'REVIEW_NOT_CLAIMED', detail: 'bob holds this review.', data: {} });
    expect(machine.details).toContain('ignored: autoDecision auto/one: bob holds this review.');
    machine.apply(row({ status: 'approved' }));
    machine.enqueueSignal('reject', by('auto/two'));
    machine.enqueueRemark({ opId: 'comment/three', actorId: 2, text: 'late' });
    expect([machine.queue, machine.remarks]).toEqual([[], []]);
    expect(machine.details).toContain('autoDecision auto/two: The review is approved.');
    expect(machine.details).toContain('comment comment/three: The review is approved.');
  });

  it('is held back when a hundred wait; people are not', () => {
    const machine = machineWith();
    for (let index = 0; index < 130; index += 1) {
      machine.enqueueRemark({ opId: `comment/${index}`, actorId: 2, text: 'again' });
    }
    machine.enqueueSignal('approve', by('auto/one'));
    expect([machine.remarks.length, machine.queue.length]).toEqual([100, 0]);
    machine.enqueue('claim', by('op'));
    expect(machine.queue).toHaveLength(1);
    expect(machine.details).toContain('Too many signals wait already.');
  });
});

describe('the end of a run', () => {
  const ends: Array<[string, Partial<ReviewRecord>, string | null]> = [
    ['an open review has none', {}, null],
    ['a claimed review has none', { status: 'in_review' }, null],
    ['a verdict is the outcome', { status: 'rejected' }, 'rejected'],
    [
      'a withdrawn review is withdrawn, not rejected',
      { status: 'in_review' as ReviewStatus, withdrawn: true },
      'withdrawn',
    ],
  ];
  it.each(ends)('%s', (_name, change, outcome) => {
    expect(machineWith(change).outcome).toBe(outcome);
  });

  it('is gone when the row is gone, and every decision then finds nothing', () => {
    const machine = machineWith();
    machine.apply(null);
    expect(machine.outcome).toBe('gone');
    expect(machine.refusal('claim', by('op'))?.refused).toBe('NOT_FOUND');
  });
});

describe('what an operator reads', () => {
  it('tells who holds the review, what waits, and the last five messages that were not understood', () => {
    const machine = machineWith({ status: 'in_review', ...held });
    for (let index = 0; index < 7; index += 1) machine.ignore(`strange ${index}`);
    machine.enqueue('release', by('op'));
    const text = machine.details;
    expect(text).toContain('**in_review** · "fractals" by alice · medium');
    expect(text).toContain(`held by bob until ${held.claimExpiresAt}`);
    expect(text).toContain('decisions waiting: release');
    expect(text.match(/ignored: strange/g)).toHaveLength(5);
    expect(text).not.toContain('strange 1');
  });
});
