import { useIntervalFn } from '@vueuse/core';
import { computed, ref, watch } from 'vue';
import { MAX_CITED_RECEIPTS } from '#shared/domain/receipt.ts';
import { isEndedRun } from '#shared/domain/run.ts';
import * as copies from '../../../api/runningCopies.ts';
import { useLoad } from '../../../composables/useLoad.ts';
import { isCitable } from './receiptWords.ts';
import type { ReviewModel } from './useReview.ts';

/** How often the receipts are looked at while a run has not ended, in milliseconds. */
const LOOK_EVERY_MS = 1_500;

/** What was run on the snapshots of a review, the person's own copy, and what their verdict shall cite. */
export function useReceipts(id: number, { review, may }: ReviewModel) {
  const receipts = useLoad(() => copies.listReceipts(id));
  const ownCopies = useLoad(() => copies.listRunningCopies(id));
  const chosen = ref<number[]>([]);

  const copy = computed(() => ownCopies.value.value?.[0] ?? null);
  const citable = computed(() => (receipts.value.value ?? []).filter(isCitable));
  /** What became stale meanwhile is not cited. */
  const cited = computed(() => chosen.value.filter((one) => citable.value.some((receipt) => receipt.id === one)));
  const isFull = computed(() => cited.value.length >= MAX_CITED_RECEIPTS);

  const looking = useIntervalFn(() => void receipts.reload(), LOOK_EVERY_MS, { immediate: false });
  watch(receipts.value, (loaded) => {
    if ((loaded ?? []).some(({ status }) => !isEndedRun(status))) looking.resume();
    else looking.pause();
  });
  /* A new snapshot makes receipts and copies stale, a verdict ends copies: whatever happens to the review is followed. */
  watch(review.value, (loaded) => loaded && reload());

  function reload(): void {
    void receipts.reload();
    if (may('runCopy')) void ownCopies.reload();
    else ownCopies.value.value = [];
  }
  /** Runs a command in the person's copy. Throws RUNNING_COPY_STALE, SESSION_LIMIT. */
  async function run(command: string): Promise<void> {
    await copies.runOnSnapshot(id, command);
    reload();
  }
  /** Opens the person's copy, or another one in its place; answers where it is. */
  async function openCopy(replace: boolean): Promise<string> {
    const opened = await copies.openRunningCopy(id, replace);
    ownCopies.value.value = [opened];
    return `/sessions/${opened.uuid}`;
  }

  return { id, receipts, copy, citable, chosen, cited, isFull, reload, run, openCopy };
}
/** Receipts and the own copy, as the parts of the page see them. */
export type ReceiptsModel = ReturnType<typeof useReceipts>;
