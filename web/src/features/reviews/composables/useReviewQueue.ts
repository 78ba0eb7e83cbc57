import { onScopeDispose, ref, watch, type Ref } from 'vue';
import type { Review } from '#shared/contracts/review.ts';
import type { ReviewQuery } from '#shared/contracts/reviewQueue.ts';
import { countReviews, listReviews } from '../../../api/reviewQueue.ts';
import { onListChange } from '../../../api/sockets.ts';
import { useLoad } from '../../../composables/useLoad.ts';
import type { QueueFilters } from './queueQuery.ts';

/** A page is so long, and so many more are shown at each wish. */
const PAGE = 50;

/** What a list shows now, and whether there is more of it. */
interface Shown {
  reviews: Review[];
  more: boolean;
}

/** The reviews of one view, narrowed, with the counts of all views; kept up to date by the events socket. */
export function useReviewQueue(wanted: Readonly<Ref<{ view: ReviewQuery['view']; filters: QueueFilters }>>) {
  const length = ref(PAGE);
  const list = useLoad(() => loadUpTo(wanted.value, length.value));
  const counts = useLoad(() => countReviews(wanted.value.filters));
  const reload = (): Promise<unknown> => Promise.all([list.reload(), counts.reload()]);

  onScopeDispose(onListChange((kind) => void (kind === 'reviews' && reload())));
  watch(
    () => JSON.stringify(wanted.value),
    () => {
      length.value = PAGE;
      list.value.value = null;
      void reload();
    },
    { immediate: true },
  );

  function showMore(): void {
    length.value += PAGE;
    void list.reload();
  }
  return { list, counts, reload, showMore };
}

/** As many as are shown are loaded anew each time: what changed may be on any page. */
async function loadUpTo(
  { view, filters }: { view: ReviewQuery['view']; filters: QueueFilters },
  length: number,
): Promise<Shown> {
  const reviews: Review[] = [];
  let cursor: string | undefined;
  do {
    const limit = Math.min(length - reviews.length, 200);
    const page = await listReviews({ view, ...filters, limit, ...(cursor === undefined ? {} : { cursor }) });
    reviews.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined && reviews.length < length);
  return { reviews, more: cursor !== undefined };
}
