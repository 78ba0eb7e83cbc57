import { computed, onScopeDispose, ref, shallowRef, triggerRef } from 'vue';
import type { BatchOutcome, PresentItem, UploadConflict } from '#shared/contracts/upload.ts';
import { randomKey } from '../../../api/client.ts';
import { asApiError, isApiError, type ApiError } from '../../../api/problem.ts';
import { sendBatch } from '../../../api/uploads.ts';
import type { Arriving } from './arriving.ts';
import { withPatience, type Patience } from './patience.ts';
import { readPiece } from './readPiece.ts';
import { sendFile } from './sendFile.ts';

/** Files up to so many bytes go many at once. */
const SMALL_BYTES = 262_144;
const BATCH_BYTES = 4_194_304;
const BATCH_FILES = 200;

/** What a person chooses for a file whose place is taken. */
export type ConflictChoice = 'replace' | 'keep-both' | 'skip';

/** One file on its way. */
export interface UploadEntry {
  path: string;
  file: File | null;
  state: 'waiting' | 'done' | 'taken' | 'skipped' | 'refused' | 'cancelled';
  /** Bytes that have arrived. */
  sent: number;
  /** Why it was refused. */
  reason: string;
  /** What stands in its place. */
  present: PresentItem | null;
  conflict: UploadConflict;
}

/** Files that are uploaded into a session: one after the other, small ones many at once, until all are settled. */
export function useUploads(uuid: string, changed: () => void) {
  const entries = shallowRef<UploadEntry[]>([]);
  const running = ref(false);
  const offline = ref(false);
  /** What ended the work for all that was still waiting. */
  const failure = shallowRef<ApiError | null>(null);
  let stopping = new AbortController();

  onScopeDispose(() => stopping.abort());

  const inState = (state: UploadEntry['state']) => entries.value.filter((entry) => entry.state === state);
  const sum = (sizes: number[]) => sizes.reduce((total, size) => total + size, 0);
  const progress = computed(() => ({
    files: entries.value.length,
    settled: entries.value.length - inState('waiting').length,
    bytes: sum(entries.value.map((entry) => entry.file?.size ?? 0)),
    sent: sum(entries.value.map((entry) => (entry.state === 'waiting' ? entry.sent : (entry.file?.size ?? 0)))),
  }));
  const taken = computed(() => inState('taken'));
  const refused = computed(() => inState('refused'));
  const done = computed(() => inState('done').length);

  /** Takes more files, into a folder of the session; the root is empty. */
  function add(folder: string, arriving: readonly Arriving[]): void {
    if (!running.value && taken.value.length === 0) entries.value = [];
    const more = arriving.map(({ path, file, unreadable = false }): UploadEntry => ({
      path: folder === '' ? path : `${folder}/${path}`,
      file,
      state: unreadable ? 'refused' : 'waiting',
      sent: 0,
      reason: unreadable ? 'Your browser could not read it. Look at its permissions, and choose it again.' : '',
      present: null,
      conflict: 'fail',
    }));
    entries.value = [...entries.value, ...more];
    void run();
  }

  /** Answers what happens to the first file whose place is taken, or to all of them. */
  function choose(choice: ConflictChoice, forAll: boolean): void {
    for (const entry of forAll ? taken.value : taken.value.slice(0, 1)) {
      // Nothing but a file can be replaced by one.
      const isReplaceable = choice !== 'replace' || entry.present?.type === 'file';
      if (choice === 'skip') entry.state = 'skipped';
      else if (isReplaceable) Object.assign(entry, { state: 'waiting', conflict: choice });
      else Object.assign(entry, { state: 'refused', reason: 'A folder or a link of that name is there.' });
    }
    triggerRef(entries);
    void run();
  }

  function cancel(): void {
    stopping.abort();
    for (const entry of [...inState('waiting'), ...taken.value]) entry.state = 'cancelled';
    triggerRef(entries);
  }

  /** Forgets what is settled. */
  function dismiss(): void {
    entries.value = [];
    failure.value = null;
  }

  async function run(): Promise<void> {
    if (running.value) return;
    running.value = true;
    failure.value = null;
    stopping = new AbortController();
    const { signal } = stopping;
    const patience: Patience = { signal, onWaiting: (waiting) => void (offline.value = waiting) };
    try {
      for (let next = nextBatch(); next.length > 0 && !signal.aborted; next = nextBatch()) {
        await (next.length > 1 || isSmall(next[0]!) ? sendSmall(next, patience) : sendLarge(next[0]!, patience));
        triggerRef(entries);
        changed();
      }
    } catch (error) {
      if (!signal.aborted) failure.value = asApiError(error);
    } finally {
      running.value = false;
      offline.value = false;
    }
    // What was added while the last of the others was cancelled.
    if (failure.value === null && inState('waiting').length > 0) void run();
  }

  /** The next file that waits, with the small ones after it. */
  function nextBatch(): UploadEntry[] {
    const waiting = inState('waiting');
    if (waiting[0] === undefined || !isSmall(waiting[0])) return waiting.slice(0, 1);
    const batch: UploadEntry[] = [];
    let bytes = 0;
    for (const entry of waiting.filter(isSmall)) {
      bytes += entry.file?.size ?? 0;
      if (batch.length === BATCH_FILES || (batch.length > 0 && bytes > BATCH_BYTES)) break;
      batch.push(entry);
    }
    return batch;
  }

  async function sendSmall(batch: UploadEntry[], patience: Patience): Promise<void> {
    const read: Array<{ entry: UploadEntry; file: Blob | null }> = [];
    for (const entry of batch) {
      const file = await readSmall(entry);
      if (entry.state === 'waiting') read.push({ entry, file });
    }
    if (read.length === 0) return;
    const files = read.map(({ entry, file }) => ({ header: headerOf(entry), file }));
    const options = { signal: patience.signal, key: randomKey() };
    const outcomes = await withPatience(() => sendBatch(uuid, files, options), patience);
    for (const [index, { entry }] of read.entries()) settle(entry, outcomes[index]!);
  }

  async function sendLarge(entry: UploadEntry, patience: Patience): Promise<void> {
    const { file, path, conflict, present } = entry;
    if (file === null) return;
    const onSent = (bytes: number): void => {
      entry.sent = bytes;
      triggerRef(entries);
    };
    const version = conflict === 'replace' ? present?.version : undefined;
    const sent = { uuid, file, wanted: { path, conflict }, onSent, ...(version === undefined ? {} : { version }) };
    try {
      await sendFile(sent, patience);
      entry.state = 'done';
    } catch (error) {
      if (!isApiError(error) || error.status === 0 || error.status >= 500 || error.status === 401) throw error;
      const standing = (error.data['present'] as PresentItem | undefined) ?? null;
      settle(entry, { path, outcome: 'refused', code: error.code, reason: error.detail, present: standing });
    }
  }

  return { entries, running, offline, failure, progress, taken, refused, done, add, choose, cancel, dismiss };
}
/** The uploads of a session's page. */
export type UploadsModel = ReturnType<typeof useUploads>;

function isSmall({ file }: UploadEntry): boolean {
  return file === null || file.size <= SMALL_BYTES;
}

/** The bytes of a file, null for a folder. One that cannot be read any more is refused. */
async function readSmall(entry: UploadEntry): Promise<Blob | null> {
  try {
    return entry.file && (await readPiece(entry.file));
  } catch (error) {
    if (!isApiError(error, 'UNREADABLE_FILE')) throw error;
    Object.assign(entry, { state: 'refused', reason: error.detail });
    return null;
  }
}

function headerOf({ path, file, conflict, present }: UploadEntry) {
  const version = conflict === 'replace' && present ? { version: present.version } : {};
  return { path, type: file === null ? ('folder' as const) : ('file' as const), conflict, ...version };
}

/** A place that is taken by a thing of its own is asked about; one below a file is refused. */
function settle(entry: UploadEntry, { outcome, code, reason, present }: BatchOutcome): void {
  if (outcome !== 'refused') {
    entry.state = 'done';
    return;
  }
  const isTaken = code === 'VERSION_CONFLICT' || code === 'NAME_TAKEN';
  entry.state = isTaken && present !== null && entry.file !== null ? 'taken' : 'refused';
  entry.reason = reason ?? '';
  entry.present = present;
}
