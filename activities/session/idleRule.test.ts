import { judgeIdle } from '#activities/session/idleRule.ts';

const MINUTE = 60_000;
const NOW = 2_000 * MINUTE;
const facts = {
  now: NOW,
  personAt: NOW,
  programAt: NOW,
  idleMs: 30 * MINUTE,
  jobMs: 720 * MINUTE,
  heldUntil: null,
  warnMs: 5 * MINUTE,
};
/** Nothing has happened for so many minutes. */
const quiet = (minutes: number) => ({ personAt: NOW - minutes * MINUTE, programAt: NOW - minutes * MINUTE });

describe('the idle rule', () => {
  it('leaves a session open that somebody works in', () => {
    expect(judgeIdle({ ...facts, programAt: 0 })).toEqual({ verdict: 'open' });
  });

  it('warns five minutes before the close and then closes', () => {
    expect(judgeIdle({ ...facts, ...quiet(24) })).toEqual({ verdict: 'open' });
    expect(judgeIdle({ ...facts, ...quiet(25) })).toEqual({
      verdict: 'closing-soon',
      at: NOW + 5 * MINUTE,
      reason: 'idle',
    });
    expect(judgeIdle({ ...facts, ...quiet(30) })).toEqual({ verdict: 'end', reason: 'idle' });
  });

  it('does not close over a running command, until nobody has been there for too long', () => {
    expect(judgeIdle({ ...facts, personAt: NOW - 714 * MINUTE })).toEqual({ verdict: 'open' });
    expect(judgeIdle({ ...facts, personAt: NOW - 716 * MINUTE })).toEqual({
      verdict: 'closing-soon',
      at: NOW + 4 * MINUTE,
      reason: 'job',
    });
    expect(judgeIdle({ ...facts, personAt: NOW - 720 * MINUTE })).toEqual({ verdict: 'end', reason: 'job' });
  });

  it('gives a command that ended the whole idle time, as far as the cap allows', () => {
    const ended = { ...facts, personAt: NOW - 300 * MINUTE, programAt: NOW - 29 * MINUTE };
    expect(judgeIdle(ended)).toEqual({ verdict: 'closing-soon', at: NOW + MINUTE, reason: 'idle' });
    expect(judgeIdle({ ...ended, personAt: NOW - 720 * MINUTE })).toEqual({ verdict: 'end', reason: 'job' });
  });

  it('never closes earlier over a command than without one', () => {
    const short = { ...facts, jobMs: MINUTE, personAt: NOW - 20 * MINUTE };
    expect(judgeIdle(short)).toEqual({ verdict: 'open' });
  });

  it('holds the session open until an extension has passed, over a command too', () => {
    expect(judgeIdle({ ...facts, ...quiet(100), heldUntil: NOW + 20 * MINUTE })).toEqual({ verdict: 'open' });
    expect(judgeIdle({ ...facts, ...quiet(100), heldUntil: NOW + 4 * MINUTE })).toEqual({
      verdict: 'closing-soon',
      at: NOW + 4 * MINUTE,
      reason: 'expired',
    });
    expect(judgeIdle({ ...facts, personAt: 0, heldUntil: NOW + 20 * MINUTE })).toEqual({ verdict: 'open' });
    expect(judgeIdle({ ...facts, ...quiet(100), heldUntil: NOW })).toEqual({ verdict: 'end', reason: 'expired' });
    expect(judgeIdle({ ...facts, ...quiet(1), heldUntil: NOW })).toEqual({ verdict: 'open' });
  });

  it('warns at half of a very short idle time', () => {
    const short = { ...facts, idleMs: MINUTE, personAt: NOW - MINUTE / 2 + 1, programAt: 0 };
    expect(judgeIdle(short)).toEqual({ verdict: 'open' });
    expect(judgeIdle({ ...short, personAt: NOW - MINUTE / 2 }).verdict).toBe('closing-soon');
  });
});
