import { onScopeDispose, reactive, ref, shallowRef, watch } from 'vue';
import type { FoundItem } from '#shared/contracts/search.ts';
import { asApiError, type ApiError } from '../../../api/problem.ts';
import { searchItems } from '../../../api/search.ts';

/** So long after the last key, in milliseconds, a search begins. */
const PAUSE_MS = 350;

/** A search in a session that follows what is typed; an older one ends when a newer one begins. */
export function useSearch(uuid: string) {
  const wanted = reactive({ text: '', names: false, matchCase: false, pattern: false, include: '', exclude: '' });
  const found = shallowRef<readonly FoundItem[] | null>(null);
  const nextCursor = ref<string | null>(null);
  const error = shallowRef<ApiError | null>(null);
  const running = ref(false);
  let pause: ReturnType<typeof setTimeout> | undefined;
  let under = new AbortController();

  function stop(): void {
    clearTimeout(pause);
    under.abort();
    running.value = false;
  }
  onScopeDispose(stop);
  watch(wanted, () => {
    stop();
    if (wanted.text === '') found.value = nextCursor.value = error.value = null;
    else pause = setTimeout(() => void run(), PAUSE_MS);
  });

  /** Searches at once; with `more`, what comes after that which is shown. */
  async function run(more = false): Promise<void> {
    stop();
    if (wanted.text === '') return;
    const mine = (under = new AbortController());
    running.value = true;
    error.value = null;
    const { text: q, names, matchCase, pattern, include, exclude } = wanted;
    const query = {
      q,
      in: names ? ('names' as const) : ('content' as const),
      case: matchCase ? ('match' as const) : ('ignore' as const),
      match: pattern && !names ? ('pattern' as const) : ('text' as const),
      include: include || undefined,
      exclude: exclude || undefined,
      cursor: (more && nextCursor.value) || undefined,
    };
    try {
      const answer = await searchItems(uuid, query, mine.signal);
      if (mine.signal.aborted) return;
      found.value = [...(more ? (found.value ?? []) : []), ...answer.items];
      nextCursor.value = answer.nextCursor;
    } catch (thrown) {
      if (!mine.signal.aborted) error.value = asApiError(thrown);
    } finally {
      if (under === mine) running.value = false;
    }
  }

  return { wanted, found, nextCursor, error, running, run };
}
