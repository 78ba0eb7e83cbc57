import { computed, ref, shallowRef, watch } from 'vue';
import type { FileChange } from '#shared/contracts/reviewComparison.ts';
import * as reviews from '../../../api/reviews.ts';
import { useAccountStore } from '../../../composables/accountStore.ts';
import { useLoad } from '../../../composables/useLoad.ts';
import { firstSides, type CompareSide } from './comparisonWords.ts';

/** Two states of a session beside each other: which files differ, and one of them with both texts. */
export function useComparison(id: number) {
  const store = useAccountStore();
  const review = useLoad(() => reviews.loadReview(id));
  const snapshots = useLoad(() => reviews.listSnapshots(id));
  const from = ref<number | null>(null);
  const to = ref<CompareSide | null>(null);
  const chosen = shallowRef<FileChange | null>(null);
  const isAuthor = computed(() => review.value.value?.submittedBy.id === store.account?.id);

  const range = computed(() => (from.value === null || to.value === null ? null : { from: from.value, to: to.value }));
  const list = useLoad(async () => range.value && (await reviews.compareTrees(id, range.value)));
  const file = useLoad(async () => {
    if (range.value === null || chosen.value === null) return null;
    const { before, after } = chosen.value;
    return reviews.compareFile(id, { ...range.value, fromItemId: before?.itemId, toItemId: after?.itemId });
  });

  watch([review.value, snapshots.value], ([loaded, all]) => {
    if (!loaded || !all || range.value) return;
    const sides = firstSides(all, { present: loaded.snapshotId, isAuthor: isAuthor.value });
    from.value = sides.from;
    to.value = sides.to;
  });
  watch(range, () => {
    list.value.value = null;
    void list.reload();
  });
  watch(list.value, (loaded) => (chosen.value = loaded?.items[0] ?? null));
  watch(chosen, () => {
    file.value.value = null;
    void file.reload();
  });
  void review.reload();
  void snapshots.reload();
  return { review, snapshots, from, to, list, file, chosen, isAuthor };
}
