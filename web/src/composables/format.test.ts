import { byteSize, counted, countdown, duration, relativeTime, runTime } from './format.ts';

const now = Date.parse('2026-05-01T12:00:00Z');

describe('times and sizes', () => {
  it('say how long ago in the largest unit that fits', () => {
    expect(relativeTime('2026-05-01T11:59:50Z', now)).toBe('just now');
    expect(relativeTime('2026-05-01T11:57:00Z', now)).toBe('3 minutes ago');
    expect(relativeTime('2026-05-01T14:00:00Z', now)).toBe('in 2 hours');
    expect(relativeTime('2026-04-30T12:00:00Z', now)).toBe('yesterday');
  });
  it('never count below zero', () => {
    expect(countdown(-5)).toBe('0:00');
    expect(duration(-5)).toBe('0 s');
  });
  it('count down in minutes and seconds', () => {
    expect(countdown(245_000)).toBe('4:05');
  });
  it('are short', () => {
    expect(duration(65_000)).toBe('1 min');
    expect(duration(3 * 86_400_000)).toBe('3 d');
    expect(byteSize(831)).toBe('831 B');
    expect(byteSize(12_400)).toBe('12.4 kB');
    expect(byteSize(1_073_741_824)).toBe('1.1 GB');
    expect(counted(1, 'file')).toBe('1 file');
    expect(counted(2, 'reply', 'replies')).toBe('2 replies');
  });

  it('tell what took less than a second exactly and long times in minutes', () => {
    const times = [0, 35, 999, 1_420, 9_960, 12_400, 65_000];
    expect(times.map(runTime)).toEqual(['0 ms', '35 ms', '999 ms', '1.4 s', '10 s', '12 s', '1 min 5 s']);
  });
});
