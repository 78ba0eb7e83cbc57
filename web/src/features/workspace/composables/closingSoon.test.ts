import { timeOfDay } from '../../../composables/format.ts';
import { closingReason } from './closingSoon.ts';

const at = '2026-01-01T12:05:00Z';
const since = '2026-01-01T11:35:00Z';
const clock = timeOfDay(since);

describe('why a session closes', () => {
  it.each([
    [{ reason: 'idle', since }, `because nothing has happened in it since ${clock}`],
    [{ reason: 'idle', since, job: 'make' }, `because “make” has ended and nothing has happened since ${clock}`],
    [
      { reason: 'job', since, job: 'sleep' },
      `because nobody has done anything in it since ${clock}, though “sleep” runs on`,
    ],
    [
      { reason: 'job', since, job: null },
      `because nobody has done anything in it since ${clock}, though a program runs on`,
    ],
    [{ reason: 'expired' }, 'because the time that it was kept open for is over'],
    // From a worker that is older than this page, and from one that is newer.
    [{ reason: 'idle' }, 'because nothing has happened in it for a while'],
    [{ reason: 'moon' }, ''],
  ])('is told for %j', (warning, sentence) => {
    expect(closingReason({ at, ...warning })).toBe(sentence);
  });
});
