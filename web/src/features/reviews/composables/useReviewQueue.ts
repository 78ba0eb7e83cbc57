import { onScopeDispose, watch, type Ref } from 'vue';
import type { Review, ReviewQuery } from '#shared/contracts/review.ts';
import { listReviews } from '../../../api/reviews.ts';
import { onListChange } from '../../../api/sockets.ts';
import { useLoad } from '../../../composables/useLoad.ts';

/** The reviews of one view of the queue, kept up to date by the events socket. */
export function useReviewQueue(view: Readonly<Ref<ReviewQuery['view']>>) {
  const list = useLoad(() => loadAll(view.value));
  onScopeDispose(list.stop);
  onScopeDispose(onListChange((kind) => void (kind === 'reviews' && list.reload())));
  watch(
    view,
    () => {
      list.value.value = null;
      void list.reload();
    },
    { immediate: true },
  );
  return list;
}

async function loadAll(view: ReviewQuery['view']): Promise<Review[]> {
  const reviews: Review[] = [];
  let cursor: string | undefined;
  do {
    const page = await listReviews(view, cursor);
    reviews.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return reviews;
}
