import {
  canMove,
  LONGEST_EXTENSION_MS,
  RECOVERY_TRIES,
  RECOVERY_WINDOW_MS,
  REMEMBERED_OP_IDS,
  SessionMachine,
  volumeFate,
} from '#workflows/session/session.machine.ts';

const NOW = Date.parse('2026-01-31T12:00:00Z');

function machine(given: { generation?: number; recentOpIds?: string[] } = {}): SessionMachine {
  return new SessionMachine({
    uuid: 'b4f1b8f0-0000-4000-8000-000000000001',
    generation: given.generation ?? 1,
    phase: 'running',
    syncSeq: 0,
    recentOpIds: given.recentOpIds ?? [],
    needsAttention: false,
    now: NOW,
  });
}

/** A payload as an operator or a broken program may send it. */
const BAD_PAYLOADS: [string, unknown][] = [
  ['a string', 'now please'],
  ['a number', 42],
  ['a list', [1, 2]],
  ['a wrong type', { opId: 7, generation: 'two', until: 5, reason: {} }],
];

describe('phases', () => {
  it('go forward, and a close comes from any live one', () => {
    expect(canMove('requested', 'provisioning')).toBe(true);
    for (const phase of ['requested', 'provisioning', 'loading', 'running', 'recovering'] as const) {
      expect(canMove(phase, 'saving')).toBe(true);
    }
  });

  it('never go back', () => {
    expect(canMove('running', 'loading')).toBe(false);
    expect(canMove('saving', 'running')).toBe(false);
    expect(canMove('closed', 'requested')).toBe(false);
    expect(() => machine().moveTo('closed', { reason: 'user', cause: null }, NOW)).toThrow(
      'cannot go from running to closed',
    );
  });
});

describe('messages from outside', () => {
  it.each(BAD_PAYLOADS)('%s is noted and ignored by open, close and extend, and syncs all the same', (_, payload) => {
    const session = machine();
    session.receiveOpen(payload, NOW);
    session.receiveClose(payload, NOW);
    session.receiveExtend(payload, NOW);
    expect(session.ending).toBe(false);
    expect(session.extensions).toEqual([]);
    expect(session.notes).toHaveLength(3);
    session.receiveSync(payload, NOW);
    expect(session.syncs).toHaveLength(1);
    expect(session.notes.at(-1)?.text).toMatch(/^requestSync: .*; synced all the same$/);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['{}', {}],
  ])('%s syncs, extends by one idle period, and closes as an operator', (_, payload) => {
    const session = machine();
    session.receiveSync(payload, NOW);
    session.receiveExtend(payload, NOW);
    expect(session.takeSyncs()).toHaveLength(1);
    expect(session.takeExtension(NOW, 1_800_000)).toBe(NOW + 1_800_000);
    session.receiveClose(payload, NOW);
    expect(session.end).toEqual({ reason: 'operator', actor: 'operator' });
    expect(session.notes).toEqual([]);
  });

  it('open without a generation is noted and ignored', () => {
    const session = machine();
    session.receiveOpen({}, NOW);
    expect(session.ending).toBe(false);
    expect(session.notes[0]?.text).toContain('needs a generation');
  });

  it('no payload whatever makes reading throw', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    for (const payload of [cycle, { opId: cycle }, Symbol('s'), () => 1, 10n, { opId: 10n }, Number.NaN, new Date(0)]) {
      const session = machine();
      expect(() => {
        session.receiveOpen(payload, NOW);
        session.receiveClose(payload, NOW);
        session.receiveExtend(payload, NOW);
        session.receiveSync(payload, NOW);
      }).not.toThrow();
    }
  });

  it('an opId counts once, also in the run that follows', () => {
    const session = machine();
    session.receiveSync({ opId: 'a' }, NOW);
    session.receiveSync({ opId: 'a' }, NOW);
    expect(session.syncs).toHaveLength(1);
    const next = machine({ recentOpIds: session.recentOpIds });
    next.receiveSync({ opId: 'a' }, NOW);
    expect(next.syncs).toHaveLength(0);
  });

  it('remembers a bounded number of opIds', () => {
    const session = machine();
    for (let count = 0; count < REMEMBERED_OP_IDS + 50; count += 1) session.receiveSync({ opId: `op-${count}` }, NOW);
    expect(session.recentOpIds).toHaveLength(REMEMBERED_OP_IDS);
    expect(session.recentOpIds[0]).toBe('op-50');
  });

  it('the signal of an older opening’s watch is ignored', () => {
    const session = machine({ generation: 2 });
    session.receiveSync({ generation: 1 }, NOW);
    expect(session.syncs).toHaveLength(0);
  });

  it('an extension reaches at most eight hours ahead and never back', () => {
    const session = machine();
    session.receiveExtend({ until: '2099-01-01T00:00:00Z' }, NOW);
    session.receiveExtend({ until: '2001-01-01T00:00:00Z' }, NOW);
    session.receiveExtend({ until: 'tomorrow' }, NOW);
    expect(session.extensions).toEqual([NOW + LONGEST_EXTENSION_MS]);
    expect(session.notes).toHaveLength(2);
  });
});

describe('ending', () => {
  it('a higher generation supersedes, the own one and a lower one do not', () => {
    const session = machine({ generation: 2 });
    session.receiveOpen({ generation: 1 }, NOW);
    session.receiveOpen({ generation: 2 }, NOW);
    expect(session.ending).toBe(false);
    session.receiveOpen({ generation: 4 }, NOW);
    session.receiveOpen({ generation: 3 }, NOW);
    expect(session.nextGeneration).toBe(4);
    expect(session.endReason).toBe('superseded');
  });

  it('the first reason stays', () => {
    const session = machine();
    session.receiveClose({ reason: 'user', actor: 'alice' }, NOW);
    session.receiveClose({ reason: 'idle' }, NOW);
    expect(session.end).toEqual({ reason: 'user', actor: 'alice' });
  });

  it('a reason that is not in the list becomes operator', () => {
    const session = machine();
    session.receiveClose({ reason: 'because' }, NOW);
    expect(session.endReason).toBe('operator');
  });

  it('syncs that come too late, or were not served, are told so', () => {
    const session = machine();
    const waiting = session.enqueueSync('a', 'syncNow');
    session.receiveClose(undefined, NOW);
    expect(session.enqueueSync('b', 'syncNow').done).toEqual({ failed: 'the session is closing' });
    session.settle();
    expect(waiting.done).toEqual({ failed: 'the session has closed' });
  });
});

describe('syncs', () => {
  it('one reconcile serves all that wait, and a failed one does not count', () => {
    const session = machine();
    const first = session.enqueueSync('a', 'signal');
    const second = session.enqueueSync('b', 'syncNow');
    session.syncDone(session.takeSyncs(), { changed: 3 });
    expect(first.done).toEqual({ seq: 1, changed: 3 });
    expect(second.done).toEqual({ seq: 1, changed: 3 });
    const third = session.enqueueSync('c', 'signal');
    session.syncDone(session.takeSyncs(), { failed: 'no agent' });
    expect(third.done).toEqual({ failed: 'no agent' });
    expect(session.syncSeq).toBe(1);
  });
});

describe('recovering', () => {
  it('has three tries within the window and new ones after it', () => {
    const session = machine();
    for (let count = 0; count < RECOVERY_TRIES; count += 1) expect(session.mayRecover(NOW + count)).toBe(true);
    expect(session.mayRecover(NOW + 10)).toBe(false);
    expect(session.mayRecover(NOW + RECOVERY_WINDOW_MS + 100)).toBe(true);
  });
});

describe('the volume after the last save', () => {
  it('goes only when it is drained', () => {
    expect(volumeFate({ drained: true, notSaved: 0 })).toBe('remove');
    expect(volumeFate({ drained: false, notSaved: 0 })).toBe('keep');
  });

  it('stays a week when only files remain that are not saved by rule', () => {
    expect(volumeFate({ drained: false, notSaved: 1 })).toBe('keep-week');
  });
});
