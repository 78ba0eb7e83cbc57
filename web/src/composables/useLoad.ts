import { computed, onScopeDispose, ref, shallowRef } from 'vue';
import { asApiError, isPassing, type ApiError } from '../api/problem.ts';

/** Time between two tries while the api does not answer, or something else answers for it, in milliseconds. */
const RETRY_MS = 3_000;

/**
 * Something that is loaded for a page: its value, or why there is none. A later load that fails keeps the value that
 * was there and sets `error`. Where the same request may succeed in a moment it tries again by itself, until its scope is disposed.
 */
export function useLoad<Value>(load: () => Promise<Value>) {
  const value = shallowRef<Value | null>(null);
  const error = shallowRef<ApiError | null>(null);
  const loading = ref(false);
  let lastCall = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;

  async function reload(): Promise<void> {
    clearTimeout(retry);
    lastCall += 1;
    const call = lastCall;
    loading.value = true;
    try {
      const loaded = await load();
      // A slow answer to an earlier call must not replace a newer one.
      if (call !== lastCall) return;
      value.value = loaded;
      error.value = null;
    } catch (thrown) {
      if (call !== lastCall) return;
      error.value = asApiError(thrown);
      if (isPassing(error.value)) retry = setTimeout(() => void reload(), RETRY_MS);
    } finally {
      if (call === lastCall) loading.value = false;
    }
  }

  /** Ends retries, and lets an answer under way count for nothing. */
  function stop(): void {
    lastCall += 1;
    clearTimeout(retry);
  }
  onScopeDispose(stop, true);

  return {
    value,
    error,
    loading,
    firstLoad: computed(() => value.value === null && error.value === null),
    reload,
    stop,
  };
}
