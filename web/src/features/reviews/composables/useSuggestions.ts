import { shallowRef } from 'vue';
import type { Suggestion } from '#shared/contracts/reviewConversation.ts';
import { isApiError } from '../../../api/problem.ts';
import * as reviews from '../../../api/reviews.ts';

/** Suggestions as their author applies them: at once where the lines are as they were, else by way of a merge. */
export function useSuggestions(reviewId: number, changed: () => Promise<void>) {
  /** What the author decides about in the merge dialog. */
  const merging = shallowRef<(Suggestion & { commentId: number }) | null>(null);

  async function apply(commentId: number): Promise<void> {
    try {
      await reviews.applySuggestion(reviewId, commentId);
    } catch (thrown) {
      // Deleted files have no live text to merge with: reading them says so by the same code.
      if (!isApiError(thrown, 'SUGGESTION_OUTDATED') && !isApiError(thrown, 'VERSION_CONFLICT')) throw thrown;
      merging.value = { ...(await reviews.loadSuggestion(reviewId, commentId)), commentId };
      return;
    }
    await changed();
  }
  async function applyMerged(content: string): Promise<void> {
    if (merging.value === null) return;
    const { commentId, version } = merging.value;
    await reviews.applySuggestion(reviewId, commentId, { content, version });
    merging.value = null;
    await changed();
  }
  return { merging, apply, applyMerged };
}
