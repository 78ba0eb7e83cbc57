import { computed, shallowRef } from 'vue';
import type { Page } from '#shared/contracts/problem.ts';
import { useAction } from './useAction.ts';
import { useLoad } from './useLoad.ts';

/** A list that comes in pages: the first is loaded as all else is, and each further one when a person asks for it. */
export function usePages<Row>(load: (cursor?: string) => Promise<Page<Row>>) {
  const further = shallowRef<Page<Row>[]>([]);
  const first = useLoad(async () => {
    const page = await load();
    further.value = [];
    return page;
  });
  void first.reload();
  const pages = computed(() => (first.value.value ? [first.value.value, ...further.value] : []));
  const rows = computed(() => pages.value.flatMap((page) => page.items));
  const cursor = computed(() => pages.value.at(-1)?.nextCursor ?? null);
  const more = useAction(async () => {
    if (cursor.value !== null) further.value = [...further.value, await load(cursor.value)];
  });
  return {
    rows,
    hasMore: computed(() => cursor.value !== null),
    more,
    error: first.error,
    firstLoad: first.firstLoad,
    reload: first.reload,
  };
}
