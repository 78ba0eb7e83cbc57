import { ref, shallowRef } from 'vue';
import { asApiError, type ApiError } from '../api/problem.ts';

/** A verb that a person starts: `run` answers false when it failed, and `error` says why until the next run. */
export function useAction<Arguments extends unknown[]>(act: (...given: Arguments) => Promise<unknown>) {
  const running = ref(false);
  const error = shallowRef<ApiError | null>(null);

  async function run(...given: Arguments): Promise<boolean> {
    if (running.value) return false;
    running.value = true;
    error.value = null;
    try {
      await act(...given);
      return true;
    } catch (thrown) {
      error.value = asApiError(thrown);
      return false;
    } finally {
      running.value = false;
    }
  }

  return { running, error, run };
}
