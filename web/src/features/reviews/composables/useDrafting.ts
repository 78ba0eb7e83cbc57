import { computed, onScopeDispose, shallowReactive } from 'vue';
import { useEventListener } from '@vueuse/core';
import type { CreateComment } from '#shared/contracts/review.ts';
import type { ConversationComment } from '#shared/contracts/reviewConversation.ts';
import * as reviews from '../../../api/reviews.ts';
import { newDraftSession, type DraftSession, type DraftStore } from './draftSession.ts';

/** What a new comment is about. */
export type DraftPlace = Partial<
  Pick<CreateComment, 'snapshotItemId' | 'lineNumber' | 'endLineNumber' | 'parentCommentId'>
>;

/** What is being written about a review, by the place it is written at; it outlives the components that show it. */
export function useDrafting(reviewId: number, changed: () => Promise<void>) {
  const sessions = shallowReactive(new Map<string, DraftSession>());
  /** Drafts that a composer of a new comment shows, so that no thread shows them as well. */
  const hidden = computed(
    () => new Set([...sessions].flatMap(([key, { id }]) => (id === null || key === editKey(id) ? [] : [id]))),
  );

  function storeFor(place: DraftPlace): DraftStore {
    return {
      create: (draft) => reviews.createComment(reviewId, { ...draft, ...place }),
      update: (id, draft) => reviews.updateComment(reviewId, id, draft),
    };
  }
  /** Begins a comment at a place, or goes on with the one that is being written there. */
  function begin(key: string, place: DraftPlace): DraftSession {
    const session = sessions.get(key) ?? newDraftSession(storeFor(place));
    sessions.set(key, session);
    return session;
  }
  /** Opens a draft that is there already; its composer stands where the draft stood. */
  function edit(draft: ConversationComment): DraftSession {
    const { id, revision, text, type } = draft;
    const begun = { id, revision, draft: { text, type } };
    const session = sessions.get(editKey(id)) ?? newDraftSession(storeFor(placeOf(draft)), begun);
    sessions.set(editKey(id), session);
    return session;
  }
  async function leave(key: string): Promise<void> {
    sessions.get(key)?.end();
    sessions.delete(key);
    await changed();
  }
  /** Keeps what is written as a draft. */
  async function keep(key: string): Promise<void> {
    await sessions.get(key)?.flush();
    await leave(key);
  }
  /** Publishes it at once; the other drafts stay. */
  async function send(key: string): Promise<void> {
    const id = await sessions.get(key)?.flush();
    if (id !== undefined) await reviews.publishComment(reviewId, id);
    await leave(key);
  }
  /** Throws it away, also what was saved of it. */
  async function cancel(key: string): Promise<void> {
    const id = (await sessions.get(key)?.stop()) ?? null;
    if (id !== null) await reviews.deleteComment(reviewId, id);
    await leave(key);
  }

  const flushAll = (): void => {
    for (const session of sessions.values()) {
      // A failure stays in the session's state, where the composer shows it.
      if (session.state === 'unsaved') void session.flush().catch(() => undefined);
    }
  };
  useEventListener(document, 'visibilitychange', () => document.hidden && flushAll());
  onScopeDispose(() => {
    flushAll();
    for (const session of sessions.values()) session.end();
  });

  return { sessions, hidden, begin, edit, keep, send, cancel, leave };
}
/** What is being written, and what can be done with it. */
export type Drafting = ReturnType<typeof useDrafting>;

/** Where the text goes when the draft itself was taken away in another tab. */
function placeOf({ parentCommentId, place }: ConversationComment): DraftPlace {
  return {
    ...(parentCommentId === null ? {} : { parentCommentId }),
    ...(place.snapshotItemId === null ? {} : { snapshotItemId: place.snapshotItemId }),
    ...(place.lineNumber === null ? {} : { lineNumber: place.lineNumber }),
    ...(place.endLineNumber === null ? {} : { endLineNumber: place.endLineNumber }),
  };
}

/** The key of a draft that is edited where it stands. */
export function editKey(id: number): string {
  return `edit ${id}`;
}
