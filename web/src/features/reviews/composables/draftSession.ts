import { reactive } from 'vue';
import type { ReviewComment } from '#shared/contracts/review.ts';
import type { CommentType } from '#shared/domain/review.ts';
import { asApiError, isApiError, type ApiError } from '../../../api/problem.ts';

/** A pause in typing of so many milliseconds saves the draft. */
const PAUSE_MS = 600;
/** What could not be saved is tried again after so many milliseconds. */
const RETRY_MS = 3_000;

const TAKEN = ['DRAFT_CHANGED', 'COMMENT_PUBLISHED', 'NOT_FOUND'] as const;

/** What is being written. */
export interface Draft {
  text: string;
  type: CommentType;
}

/** Where drafts are kept. */
export interface DraftStore {
  create(draft: Draft): Promise<Pick<ReviewComment, 'id' | 'revision'>>;
  update(id: number, draft: Draft & { revision: number }): Promise<Pick<ReviewComment, 'id' | 'revision'>>;
}

/** How far a draft is saved. */
export type DraftState = 'empty' | 'unsaved' | 'saved' | 'failed';

/**
 * One comment while it is written: each pause in typing saves it, one save at a time. Two tabs never overwrite each
 * other: who is late keeps the text as a draft of its own.
 */
export class DraftSession {
  draft: Draft;
  /** The draft's id once it was saved. */
  id: number | null;
  state: DraftState;
  error: ApiError | null = null;
  private readonly store: DraftStore;
  private revision: number;
  private saved: Draft;
  private saving: Promise<void> | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private ended = false;

  constructor(store: DraftStore, begun?: { id: number; revision: number; draft: Draft }) {
    this.store = store;
    this.draft = begun?.draft ?? { text: '', type: 'general' };
    this.saved = this.draft;
    this.id = begun?.id ?? null;
    this.revision = begun?.revision ?? 0;
    this.state = begun ? 'saved' : 'empty';
  }

  /** Takes what is written now. */
  write(change: Partial<Draft>): void {
    this.draft = { ...this.draft, ...change };
    if (this.draft.text.trim() === '') {
      this.state = 'empty';
      return clearTimeout(this.timer);
    }
    this.state = 'unsaved';
    this.saveAfter(PAUSE_MS);
  }

  /** Saves what is not saved yet; resolves with the draft's id. Throws an ApiError, and the text stays. */
  async flush(): Promise<number> {
    clearTimeout(this.timer);
    while (this.saving) await this.saving;
    if (this.id === null || !isSame(this.draft, this.saved)) await this.begin(this.draft);
    if (this.error !== null || this.id === null) throw this.error ?? new Error('the draft is empty');
    return this.id;
  }

  /** Ends saving and waits for the save under way; resolves with the id of what was saved, null when nothing was. */
  async stop(): Promise<number | null> {
    this.end();
    while (this.saving) await this.saving;
    return this.id;
  }

  /** Ends saving: it was published, thrown away, or its page is gone. */
  end(): void {
    this.ended = true;
    clearTimeout(this.timer);
  }

  private saveAfter(milliseconds: number): void {
    clearTimeout(this.timer);
    if (this.ended) return;
    this.timer = setTimeout(() => {
      if (this.saving) return this.saveAfter(PAUSE_MS);
      void this.begin(this.draft);
    }, milliseconds);
  }

  private begin(draft: Draft): Promise<void> {
    this.saving = this.save(draft).finally(() => (this.saving = null));
    return this.saving;
  }

  private async save(draft: Draft): Promise<void> {
    try {
      const kept = await this.keep(draft);
      this.id = kept.id;
      this.revision = kept.revision;
      this.saved = draft;
      this.error = null;
      if (this.state !== 'empty') this.state = isSame(this.draft, draft) ? 'saved' : 'unsaved';
    } catch (thrown) {
      this.error = asApiError(thrown);
      this.state = 'failed';
      if (this.error.code === 'OFFLINE') this.saveAfter(RETRY_MS);
    }
  }

  private async keep(draft: Draft): Promise<Pick<ReviewComment, 'id' | 'revision'>> {
    if (this.id === null) return this.store.create(draft);
    try {
      return await this.store.update(this.id, { ...draft, revision: this.revision });
    } catch (thrown) {
      // Another tab has changed, published or deleted it: this text must not be lost, and must not replace that one.
      if (!TAKEN.some((code) => isApiError(thrown, code))) throw thrown;
      return this.store.create(draft);
    }
  }
}

/** A draft session that a page follows. */
export function newDraftSession(...given: ConstructorParameters<typeof DraftSession>): DraftSession {
  return reactive(new DraftSession(...given)) as DraftSession;
}

function isSame(left: Draft, right: Draft): boolean {
  return left.text === right.text && left.type === right.type;
}
