import { computed } from 'vue';
import type { Page } from '#shared/contracts/problem.ts';
import { useAction } from './useAction.ts';
import { useLoad } from './useLoad.ts';

/**
 * A list that comes in pages: the first is loaded as all else is, and each further one when a person asks for it. Loaded
 * again it is as long as that person made it.
 */
export function usePages<Row>(load: (cursor?: string) => Promise<Page<Row>>) {
  let wanted = 1;
  const loaded = useLoad(async () => {
    const pages = [await load()];
    for (let last = pages[0]; pages.length < wanted && last?.nextCursor; last = pages.at(-1)) {
      pages.push(await load(last.nextCursor));
    }
    return pages;
  });
  void loaded.reload();
  const pages = computed(() => loaded.value.value ?? []);
  const cursor = computed(() => pages.value.at(-1)?.nextCursor ?? null);
  const more = useAction(async () => {
    const from = cursor.value;
    if (from === null) return;
    wanted = pages.value.length + 1;
    const page = await load(from);
    // Loaded again meanwhile, the list has this page, from where it begins by now.
    if (cursor.value === from) loaded.value.value = [...pages.value, page];
  });
  return {
    rows: computed(() => pages.value.flatMap((page) => page.items)),
    hasMore: computed(() => cursor.value !== null),
    more,
    error: loaded.error,
    firstLoad: loaded.firstLoad,
    reload: loaded.reload,
  };
}
