import { judgeIdle } from '#activities/session/idleRule.ts';

const MINUTE = 60_000;
const facts = {
  now: 100 * MINUTE,
  lastActivityAt: 100 * MINUTE,
  busy: false,
  idleMs: 30 * MINUTE,
  heldUntil: null,
  warnMs: 5 * MINUTE,
};

describe('the idle rule', () => {
  it('leaves a session open that somebody works in', () => {
    expect(judgeIdle(facts)).toEqual({ verdict: 'open' });
  });

  it('warns five minutes before the close and then closes', () => {
    expect(judgeIdle({ ...facts, lastActivityAt: 76 * MINUTE })).toEqual({ verdict: 'open' });
    expect(judgeIdle({ ...facts, lastActivityAt: 75 * MINUTE })).toEqual({
      verdict: 'closing-soon',
      at: 105 * MINUTE,
      reason: 'idle',
    });
    expect(judgeIdle({ ...facts, lastActivityAt: 70 * MINUTE })).toEqual({ verdict: 'end', reason: 'idle' });
  });

  it('never closes over a running command', () => {
    expect(judgeIdle({ ...facts, lastActivityAt: 0, busy: true })).toEqual({ verdict: 'open' });
  });

  it('holds the session open until an extension has passed', () => {
    expect(judgeIdle({ ...facts, lastActivityAt: 0, heldUntil: 120 * MINUTE })).toEqual({ verdict: 'open' });
    expect(judgeIdle({ ...facts, lastActivityAt: 0, heldUntil: 100 * MINUTE })).toEqual({
      verdict: 'end',
      reason: 'expired',
    });
    expect(judgeIdle({ ...facts, lastActivityAt: 99 * MINUTE, heldUntil: 100 * MINUTE })).toEqual({ verdict: 'open' });
  });

  it('warns at half of a very short idle time', () => {
    const short = { ...facts, idleMs: MINUTE, lastActivityAt: facts.now - MINUTE / 2 + 1 };
    expect(judgeIdle(short)).toEqual({ verdict: 'open' });
    expect(judgeIdle({ ...short, lastActivityAt: facts.now - MINUTE / 2 }).verdict).toBe('closing-soon');
  });
});
