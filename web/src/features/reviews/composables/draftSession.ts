import { reactive } from 'vue';
import type { ReviewComment } from '#shared/contracts/review.ts';
import type { CommentType } from '#shared/domain/review.ts';
import { randomKey } from '../../../api/client.ts';
import { asApiError, isApiError, type ApiError } from '../../../api/problem.ts';

/** A pause in typing of so many milliseconds saves the draft. */
const PAUSE_MS = 600;
/** What could not be saved is tried again after so many milliseconds. */
const RETRY_MS = 3_000;

const MAX_UNANSWERED = 20;

const TAKEN = ['DRAFT_CHANGED', 'COMMENT_PUBLISHED', 'NOT_FOUND'] as const;

/** What is being written. */
export interface Draft {
  text: string;
  type: CommentType;
}

/** Where drafts are kept. A create that is repeated under its key makes one draft. */
export interface DraftStore {
  create(draft: Draft, key: string): Promise<Pick<ReviewComment, 'id' | 'revision'>>;
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
  /** What is to be, or was perhaps, made of this: sent again under its key until the answer comes. */
  private creating: { draft: Draft; key: string } | null = null;
  /** The last changes that were sent and not answered. */
  private unanswered: Draft[] = [];
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

  /** Goes on with saving: it could not be thrown away. */
  resume(): void {
    this.ended = false;
    if (this.isAtRisk) this.saveAfter(PAUSE_MS);
  }

  /** True while something that was written is nowhere but here. */
  get isAtRisk(): boolean {
    return this.state === 'unsaved' || this.state === 'failed';
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
      await this.keep(draft);
      this.error = null;
      if (this.state !== 'empty') this.state = isSame(this.draft, draft) ? 'saved' : 'unsaved';
    } catch (thrown) {
      this.error = asApiError(thrown);
      this.state = 'failed';
      if (mayComeLater(this.error)) this.saveAfter(RETRY_MS);
    }
  }

  private async keep(draft: Draft): Promise<void> {
    if (this.id === null) await this.create(draft);
    if (this.id !== null && !isSame(draft, this.saved)) await this.change(this.id, draft);
  }

  private async create(draft: Draft): Promise<void> {
    this.creating ??= { draft, key: randomKey() };
    const { creating } = this;
    try {
      this.take(await this.store.create(creating.draft, creating.key), creating.draft);
      this.creating = null;
    } catch (thrown) {
      if (!mayComeLater(asApiError(thrown))) this.creating = null;
      throw thrown;
    }
  }

  private async change(id: number, draft: Draft): Promise<void> {
    const { unanswered } = this;
    this.unanswered = [...unanswered, draft].slice(-MAX_UNANSWERED);
    try {
      this.take(await this.store.update(id, { ...draft, revision: this.revision }), draft);
      this.unanswered = [];
    } catch (thrown) {
      if (mayComeLater(asApiError(thrown))) throw thrown;
      this.unanswered = [];
      const there = draftOf(thrown);
      if (there !== null && unanswered.some((sent) => isSame(sent, there))) {
        // Nobody else's: the answer to a change of this session was lost.
        this.take({ id, revision: there.revision }, there);
        return isSame(draft, there) ? undefined : this.change(id, draft);
      }
      // Another tab has changed, published or deleted it: this text must not be lost, and must not replace that one.
      if (!TAKEN.some((code) => isApiError(thrown, code))) throw thrown;
      this.id = null;
      await this.create(draft);
    }
  }

  private take({ id, revision }: Pick<ReviewComment, 'id' | 'revision'>, { text, type }: Draft): void {
    this.id = id;
    this.revision = revision;
    this.saved = { text, type };
  }
}

/** A draft session that a page follows. */
export function newDraftSession(...given: ConstructorParameters<typeof DraftSession>): DraftSession {
  return reactive(new DraftSession(...given)) as DraftSession;
}

/** The api trims what it keeps. */
function isSame(left: Draft, right: Draft): boolean {
  return left.text.trim() === right.text.trim() && left.type === right.type;
}

/** True where the same request may succeed, or has succeeded and only its answer was lost. */
function mayComeLater({ code, status }: ApiError): boolean {
  return code === 'OFFLINE' || code === 'IDEMPOTENCY_IN_FLIGHT' || status === 429 || status >= 500;
}

/** What is in the place of a draft that has changed. */
function draftOf(thrown: unknown): (Draft & { revision: number }) | null {
  if (!isApiError(thrown, 'DRAFT_CHANGED')) return null;
  const { text, type, revision } = thrown.data as Partial<Draft & { revision: number }>;
  return text === undefined || type === undefined || revision === undefined ? null : { text, type, revision };
}
