import { useStorage } from '@vueuse/core';
import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue';
import type {
  CreateComment,
  Review,
  ReviewAction,
  SnapshotItem,
  SnapshotItemWithContent,
} from '#shared/contracts/review.ts';
import type { ConversationComment } from '#shared/contracts/reviewConversation.ts';
import { isDecided } from '#shared/domain/review.ts';
import { useAccountStore } from '../../../composables/accountStore.ts';
import * as reviews from '../../../api/reviews.ts';
import { followSubject } from '../../../api/sockets.ts';
import { useLoad } from '../../../composables/useLoad.ts';
import { toThreads } from './threads.ts';
import { useDrafting } from './useDrafting.ts';
import { useSuggestions } from './useSuggestions.ts';

/** A frozen file as the tree shows it; a link is a file there. */
export interface FrozenEntry {
  path: string;
  name: string;
  type: 'file' | 'folder';
  item: SnapshotItem;
}

/** One review as its page sees it: review, frozen files, comments, history, each kept up to date by events. */
export function useReview(id: number) {
  const review = useLoad(() => reviews.loadReview(id));
  const frozen = useLoad(() => reviews.listSnapshotItems(id));
  const comments = useLoad(() => reviews.loadConversation(id));
  const history = useLoad(() => reviews.loadHistory(id));
  const file = useLoad<SnapshotItemWithContent | null>(loadChosen);
  const chosenPath = ref<string | null>(null);
  let stopFollowing: (() => void) | undefined;

  const entries = computed<FrozenEntry[]>(() =>
    (frozen.value.value ?? []).map((item) => ({
      path: item.path,
      name: item.path.split('/').at(-1) ?? item.path,
      type: item.type === 'folder' ? 'folder' : 'file',
      item,
    })),
  );
  const drafting = useDrafting(id, () => comments.reload());
  /** The comment whose original place is shown. */
  const original = shallowRef<ConversationComment | null>(null);
  const suggestions = useSuggestions(id, () => comments.reload());
  // What is being written is shown by its composer.
  const threads = computed(() =>
    toThreads((comments.value.value ?? []).filter((comment) => !drafting.hidden.value.has(comment.id))),
  );
  const store = useAccountStore();
  // Kept by the tab: the form goes while another list is looked at, or while somebody else holds the review.
  const verdictWords = useStorage(`berth.verdict.${store.account?.id}.${id}`, '', sessionStorage);
  const isAuthor = computed(() => review.value.value?.submittedBy.id === store.account?.id);
  const drafts = computed(() => (comments.value.value ?? []).filter((comment) => comment.publishedAt === null));
  /** How many comments a batch would publish, with those that are being written. */
  const draftCount = computed(() => {
    const sessions = [...drafting.sessions.values()];
    const written = sessions.filter(({ state }) => state !== 'empty').length;
    return written + drafts.value.filter((draft) => sessions.every(({ id: saved }) => saved !== draft.id)).length;
  });
  const snapshotId = computed(() => review.value.value?.snapshotId ?? null);
  /** The snapshot that the person has begun to read: a verdict is about it and no other, though the page shows a newer one. */
  const readSnapshotId = ref<number | null>(null);
  const may = (action: ReviewAction): boolean => review.value.value?.actions.includes(action) ?? false;

  async function loadChosen(): Promise<SnapshotItemWithContent | null> {
    const entry = entries.value.find(({ path, type }) => path === chosenPath.value && type === 'file');
    return entry ? reviews.loadSnapshotItem(id, entry.item.id) : null;
  }

  watch(review.value, (loaded) => {
    if (!loaded) return;
    stopFollowing ??= followSubject({ subject: 'review', id }, loaded.changeSeq, {
      event: ({ kind }) => hear(kind),
      reset: reloadAll,
    });
  });
  // Other files, other places of the comments in them.
  watch(snapshotId, (present) => {
    if (present === null) return;
    readSnapshotId.value ??= present;
    void frozen.reload();
    void comments.reload();
  });
  watch(entries, (all) => {
    void drafting.follow(new Set(all.map(({ item }) => item.id)));
    if (!all.some(({ path }) => path === chosenPath.value)) chosenPath.value = firstToRead(all);
    void file.reload();
  });
  watch(chosenPath, () => void file.reload());
  onScopeDispose(() => stopFollowing?.());
  reloadAll();

  function reloadAll(): void {
    for (const load of [review, comments, history]) void load.reload();
  }
  function hear(kind: string): void {
    if (kind === 'comments') void comments.reload();
    if (kind === 'history') void history.reload();
    void review.reload();
  }

  /** Shows the review as a change of it answered. */
  function take(changed: Review): void {
    review.value.value = changed;
    void history.reload();
  }
  async function decide(decision: reviews.PlainDecision): Promise<void> {
    take(await reviews.decide(id, decision));
  }
  /** The person goes on with the files that the page shows by now. */
  async function readNewFiles(): Promise<void> {
    await review.reload();
    readSnapshotId.value = snapshotId.value;
  }
  /**
   * Decides about the snapshot that the person was shown, and no other; their drafts are published before where they wish it. False: it is
   * on its way, and the words stay until it has come.
   */
  async function giveVerdict(
    verdict: 'approve' | 'reject' | 'override',
    { receiptIds, withDrafts }: { receiptIds: number[]; withDrafts: boolean },
  ): Promise<boolean> {
    const expectedSnapshotId = readSnapshotId.value ?? 0;
    const words = verdictWords.value.trim();
    if (withDrafts && draftCount.value > 0) await drafting.publishAll();
    const answer =
      verdict === 'override'
        ? await reviews.overrideReview(id, { expectedSnapshotId, reason: words, receiptIds })
        : await reviews.giveVerdict(id, verdict, { expectedSnapshotId, summary: words, receiptIds });
    if (isDecided(answer.status)) verdictWords.value = '';
    review.value.value = answer;
    reloadAll();
    return isDecided(answer.status);
  }
  async function comment(body: Partial<CreateComment> & Pick<CreateComment, 'text'>): Promise<void> {
    await reviews.createComment(id, body);
    await comments.reload();
  }
  async function discard(commentId: number): Promise<void> {
    await reviews.deleteComment(id, commentId);
    await comments.reload();
  }
  async function publish(): Promise<void> {
    await drafting.publishAll();
    reloadAll();
  }
  async function setResolved(commentId: number, resolved: boolean): Promise<void> {
    await reviews.setResolved(id, commentId, resolved);
    reloadAll();
  }

  return {
    review,
    frozen,
    comments,
    drafting,
    suggestions,
    original,
    isAuthor,
    history,
    file,
    chosenPath,
    entries,
    threads,
    drafts,
    draftCount,
    snapshotId,
    readSnapshotId,
    readNewFiles,
    verdictWords,
    may,
    reloadAll,
    take,
    decide,
    giveVerdict,
    comment,
    discard,
    publish,
    setResolved,
  };
}
/** One review with what a person can do with it. */
export type ReviewModel = ReturnType<typeof useReview>;

/** The file that a reviewer sees first: where programs begin, else the first text at the top, else any file. */
function firstToRead(entries: readonly FrozenEntry[]): string | null {
  const texts = entries.filter(({ type, item }) => type === 'file' && item.encoding === 'utf8');
  const first =
    texts.find(({ path }) => /^(main|index)\./.test(path)) ?? texts.find(({ path }) => !path.includes('/')) ?? texts[0];
  return (first ?? entries.find(({ type }) => type === 'file'))?.path ?? null;
}
