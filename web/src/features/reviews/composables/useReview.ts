import { computed, onScopeDispose, ref, watch } from 'vue';
import type {
  CreateComment,
  Review,
  ReviewAction,
  SnapshotItem,
  SnapshotItemWithContent,
} from '#shared/contracts/review.ts';
import * as reviews from '../../../api/reviews.ts';
import { followSubject } from '../../../api/sockets.ts';
import { useLoad } from '../../../composables/useLoad.ts';
import { toThreads } from './threads.ts';

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
  const comments = useLoad(() => reviews.listComments(id));
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
  const threads = computed(() => toThreads(comments.value.value ?? []));
  const drafts = computed(() => (comments.value.value ?? []).filter((comment) => comment.publishedAt === null));
  const snapshotId = computed(() => review.value.value?.snapshotId ?? null);
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
  watch(snapshotId, (present) => void (present !== null && frozen.reload()));
  watch(entries, (all) => {
    if (!all.some(({ path }) => path === chosenPath.value)) chosenPath.value = firstToRead(all);
    void file.reload();
  });
  watch(chosenPath, () => void file.reload());
  onScopeDispose(() => {
    stopFollowing?.();
    for (const load of [review, frozen, comments, history, file]) load.stop();
  });
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
  /** Decides about the snapshot that this page shows, and no other. */
  async function giveVerdict(
    verdict: 'approve' | 'reject' | 'override',
    words: string,
    receiptIds: number[] = [],
  ): Promise<void> {
    const expectedSnapshotId = snapshotId.value ?? 0;
    review.value.value =
      verdict === 'override'
        ? await reviews.overrideReview(id, { expectedSnapshotId, reason: words, receiptIds })
        : await reviews.giveVerdict(id, verdict, { expectedSnapshotId, summary: words, receiptIds });
    reloadAll();
  }
  async function comment(body: Partial<CreateComment> & Pick<CreateComment, 'text'>): Promise<void> {
    await reviews.createComment(id, body);
    await comments.reload();
  }
  async function change(commentId: number, text: string): Promise<void> {
    await reviews.updateComment(id, commentId, { text });
    await comments.reload();
  }
  async function discard(commentId: number): Promise<void> {
    await reviews.deleteComment(id, commentId);
    await comments.reload();
  }
  async function publish(): Promise<void> {
    await reviews.publishComments(id);
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
    history,
    file,
    chosenPath,
    entries,
    threads,
    drafts,
    snapshotId,
    may,
    reloadAll,
    take,
    decide,
    giveVerdict,
    comment,
    change,
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
