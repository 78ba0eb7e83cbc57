import { computed, onScopeDispose, shallowReactive, shallowRef } from 'vue';
import { useEventListener } from '@vueuse/core';
import type { CreateComment } from '#shared/contracts/review.ts';
import type { ConversationComment } from '#shared/contracts/reviewConversation.ts';
import type { LineRange } from '#shared/domain/textLines.ts';
import { isApiError } from '../../../api/problem.ts';
import * as reviews from '../../../api/reviews.ts';
import { newDraftSession, type DraftSession, type DraftStore } from './draftSession.ts';

/** What a new comment is about. */
export type DraftPlace = Partial<
  Pick<CreateComment, 'snapshotItemId' | 'lineNumber' | 'endLineNumber' | 'parentCommentId'>
>;

/** What is being written on lines of a file. */
export interface LineWriting {
  key: string;
  range: LineRange;
  session: DraftSession;
}

/** What is being written about a review, by the place it is written at; it outlives the components that show it. */
export function useDrafting(reviewId: number, changed: () => Promise<void>) {
  const sessions = shallowReactive(new Map<string, DraftSession>());
  const places = new Map<string, DraftPlace>();
  /** The composer that was asked for and is not shown yet. */
  let wantsKeys: string | null = null;
  /** The frozen files that can be chosen, by their ids. */
  const shownItems = shallowRef<ReadonlySet<number>>(new Set());
  /** Drafts that a composer of a new comment shows, so that no thread shows them as well. */
  const hidden = computed(
    () =>
      new Set([...sessions].flatMap(([key, { id }]) => (id === null || isEditKey(key) || !isShown(key) ? [] : [id]))),
  );
  function isShown(key: string): boolean {
    const item = places.get(key)?.snapshotItemId;
    return item === undefined || shownItems.value.has(item);
  }

  function storeFor(place: DraftPlace): DraftStore {
    return {
      create: (draft, key) => reviews.createComment(reviewId, { ...draft, ...place }, key),
      update: (id, draft) => reviews.updateComment(reviewId, id, draft),
    };
  }
  /** Begins a comment at a place, or goes on with the one that is being written there. */
  function begin(key: string, place: DraftPlace): DraftSession {
    wantsKeys = key;
    places.set(key, place);
    const session = sessions.get(key) ?? newDraftSession(storeFor(place));
    sessions.set(key, session);
    return session;
  }
  /** Opens a draft that is there already; its composer stands where the draft stood. */
  function edit(draft: ConversationComment): DraftSession {
    const { id, revision, text, type } = draft;
    const begun = { id, revision, draft: { text, type } };
    wantsKeys = editKey(id);
    const session = sessions.get(editKey(id)) ?? newDraftSession(storeFor(placeOf(draft)), begun);
    sessions.set(editKey(id), session);
    return session;
  }
  /** Whether this composer was just asked for, once: one that only came back into sight takes the keys from nobody. */
  function takesKeys(key: string): boolean {
    const takes = wantsKeys === key;
    if (takes) wantsKeys = null;
    return takes;
  }
  /** What is being written on lines of a frozen file. */
  function onLines(snapshotItemId: number): LineWriting[] {
    return [...sessions].flatMap(([key, session]) => {
      const { snapshotItemId: item, lineNumber: first, endLineNumber } = places.get(key) ?? {};
      if (item !== snapshotItemId || first === undefined) return [];
      return [{ key, range: { first, last: endLineNumber ?? first }, session }];
    });
  }
  /**
   * Takes what was begun in files that are not shown any more, those of an older snapshot, to where the draft stands now.
   * What cannot be saved yet goes there once it is.
   */
  async function follow(present: ReadonlySet<number>): Promise<void> {
    shownItems.value = present;
    for (const [key, session] of sessions) {
      if (isShown(key) || isEditKey(key)) continue;
      const id = session.state === 'empty' ? session.id : await session.flush().catch(() => null);
      if (id === null) continue;
      forget(key);
      sessions.set(editKey(id), session);
    }
    await changed();
  }
  function forget(key: string): void {
    sessions.delete(key);
    places.delete(key);
  }
  async function leave(key: string): Promise<void> {
    sessions.get(key)?.end();
    forget(key);
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
    try {
      if (id !== undefined) await reviews.publishComment(reviewId, id);
    } catch (thrown) {
      // It is published: the answer to an earlier try was lost.
      if (!isApiError(thrown, 'COMMENT_PUBLISHED')) throw thrown;
    }
    await leave(key);
  }
  /** Throws it away, also what was saved of it. */
  async function cancel(key: string): Promise<void> {
    const session = sessions.get(key);
    const id = (await session?.stop()) ?? null;
    try {
      if (id !== null) await reviews.deleteComment(reviewId, id);
    } catch (thrown) {
      session?.resume();
      // Nothing of it is left to be thrown away.
      if (!isApiError(thrown, 'NOT_FOUND') && !isApiError(thrown, 'COMMENT_PUBLISHED')) throw thrown;
    }
    await leave(key);
  }
  /** Publishes all drafts as they are written now, those in open composers too; what was emptied is thrown away. */
  async function publishAll(): Promise<void> {
    for (const [key, session] of sessions) {
      if (session.state !== 'empty') await session.flush();
      else if (session.id !== null) await cancel(key);
    }
    await reviews.publishComments(reviewId);
    for (const [key, session] of sessions) {
      // What was typed on meanwhile stays, and becomes a draft of its own.
      if (session.state !== 'saved') continue;
      session.end();
      forget(key);
    }
    await changed();
  }
  /** Has the api keep all that is written. False: something of it is nowhere but on this page. */
  async function saveAll(): Promise<boolean> {
    const atRisk = [...sessions.values()].filter(({ isAtRisk }) => isAtRisk);
    // A failure stays in the session's state, where the composer shows it.
    await Promise.allSettled(atRisk.map((session) => session.flush()));
    return !hasUnsaved();
  }
  const hasUnsaved = (): boolean => [...sessions.values()].some(({ isAtRisk }) => isAtRisk);

  useEventListener(document, 'visibilitychange', () => document.hidden && void saveAll());
  useEventListener('beforeunload', (event: BeforeUnloadEvent) => {
    if (hasUnsaved()) event.preventDefault();
  });
  onScopeDispose(() => {
    void saveAll();
    for (const session of sessions.values()) session.end();
  });

  return { sessions, hidden, begin, edit, takesKeys, onLines, follow, keep, send, cancel, publishAll, saveAll };
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

function isEditKey(key: string): boolean {
  return key.startsWith('edit ');
}
