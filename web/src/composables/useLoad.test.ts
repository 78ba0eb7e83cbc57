import { jest } from '@jest/globals';
import { effectScope, type EffectScope } from 'vue';
import { offlineError } from '../api/problem.ts';
import { useLoad } from './useLoad.ts';

/** Answers that are given when the test says so, oldest request first. */
function answers() {
  const asked: PromiseWithResolvers<string>[] = [];
  return {
    asked,
    load: () => {
      asked.push(Promise.withResolvers<string>());
      return asked.at(-1)!.promise;
    },
  };
}

let scope: EffectScope;
beforeEach(() => {
  jest.useFakeTimers();
  scope = effectScope();
});
afterEach(() => void jest.useRealTimers());

describe('what a page loads', () => {
  it('is the answer to the last question, whichever answer comes last', async () => {
    const { asked, load } = answers();
    const loaded = scope.run(() => useLoad(load))!;
    const calls = [loaded.reload(), loaded.reload()];
    asked[1]!.resolve('newer');
    asked[0]!.resolve('older');
    await Promise.all(calls);
    expect(loaded.value.value).toBe('newer');
  });

  it('is asked for again while Berth does not answer, and no more once nobody looks', async () => {
    const { asked, load } = answers();
    const loaded = scope.run(() => useLoad(load))!;
    void loaded.reload();
    asked[0]!.reject(offlineError());
    await jest.advanceTimersByTimeAsync(3_000);
    expect(loaded.error.value?.code).toBe('OFFLINE');
    expect(asked).toHaveLength(2);
    asked[1]!.reject(offlineError());
    await jest.advanceTimersByTimeAsync(1_000);
    scope.stop();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(asked).toHaveLength(2);
  });

  it('that comes after nobody looks any more changes nothing', async () => {
    const { asked, load } = answers();
    const loaded = scope.run(() => useLoad(load))!;
    const call = loaded.reload();
    scope.stop();
    asked[0]!.reject(offlineError());
    await call;
    expect(loaded.error.value).toBeNull();
    expect(jest.getTimerCount()).toBe(0);
  });
});
