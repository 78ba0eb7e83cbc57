import { computed, shallowRef } from 'vue';
import { setViewed } from '../../../api/reviewQueue.ts';
import { useAction } from '../../../composables/useAction.ts';
import type { ReviewModel } from './useReview.ts';

/** Which frozen files the person has viewed. A mark is about a file's bytes, so a new snapshot keeps it where nothing changed. */
export function useViewed(id: number, model: ReviewModel) {
  // What was marked on this page since the list was loaded; loading it anew would load the shown file as well.
  const marked = shallowRef(new Map<number, boolean>());
  const files = computed(() => model.entries.value.filter(({ type }) => type === 'file'));
  const viewedPaths = computed(
    () => new Set(files.value.filter(({ item }) => marked.value.get(item.id) ?? item.viewed).map(({ path }) => path)),
  );
  const chosen = computed(() => files.value.find(({ path }) => path === model.chosenPath.value) ?? null);
  // The one that was chosen may still be on its way: a mark is about what is shown.
  const shown = computed(() => files.value.find(({ item }) => item.id === model.file.value.value?.id) ?? null);
  const shownViewed = computed(() => shown.value !== null && viewedPaths.value.has(shown.value.path));
  const toggling = useAction(async () => {
    if (shown.value === null) return;
    const { item } = shown.value;
    const { viewed } = await setViewed(id, item.id, !shownViewed.value);
    marked.value = new Map(marked.value).set(item.id, viewed);
  });

  return {
    files,
    viewedPaths,
    chosen,
    shown,
    shownViewed,
    progress: computed(() => `${viewedPaths.value.size} of ${files.value.length} viewed`),
    toggling,
  };
}
