import { ApiError, isPassing, offlineError } from '../../../api/problem.ts';
import { withPatience } from './patience.ts';

const problem = (status: number, code: ApiError['code'] = 'INTERNAL') =>
  new ApiError({ code, status, title: 'no', detail: 'no' });

/** Work that fails with these errors in turn, and then succeeds. */
function failing(...errors: Error[]) {
  const waits: number[] = [];
  const stopping = new AbortController();
  const work = async (): Promise<string> => {
    const error = errors.shift();
    if (error) throw error;
    return 'done';
  };
  const told: boolean[] = [];
  const patience = {
    signal: stopping.signal,
    onWaiting: (waiting: boolean) => void told.push(waiting),
    pause: async (milliseconds: number) => void waits.push(milliseconds),
  };
  return { work, patience, waits, told, stopping };
}

describe('work that meets a break', () => {
  it('is tried again, each time after a longer wait, and says when it waits', async () => {
    const { work, patience, waits, told } = failing(offlineError(), problem(503), problem(429), problem(502));
    expect(await withPatience(work, patience)).toBe('done');
    expect(waits).toEqual([500, 1_000, 2_000, 4_000]);
    expect(told).toEqual([true, true, true, true, false]);
  });

  it('never waits longer than a quarter of a minute', async () => {
    const { work, patience, waits } = failing(...Array.from({ length: 9 }, offlineError));
    await withPatience(work, patience);
    expect(Math.max(...waits)).toBe(15_000);
  });

  it('ends for what waiting does not mend, and when it is cancelled', async () => {
    const refused = problem(409, 'NAME_TAKEN');
    const { work, patience, waits } = failing(refused);
    await expect(withPatience(work, patience)).rejects.toBe(refused);
    expect(waits).toEqual([]);
    const cancelled = failing(offlineError(), offlineError());
    const pause = async (): Promise<void> => cancelled.stopping.abort();
    await expect(withPatience(cancelled.work, { ...cancelled.patience, pause })).rejects.toThrow();
  });

  it('counts as passing only where the same request may succeed', () => {
    expect(isPassing(problem(409, 'IDEMPOTENCY_IN_FLIGHT'))).toBe(true);
    for (const status of [400, 401, 404, 409, 413, 422, 500]) expect(isPassing(problem(status))).toBe(false);
    expect(isPassing(new TypeError('a bug'))).toBe(false);
  });
});
