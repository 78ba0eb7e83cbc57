import type { Receipt } from '#shared/contracts/receipt.ts';
import { isEndedRun } from '#shared/domain/run.ts';
import type { Tone } from '../../../composables/sessionWords.ts';

/** A short word about a receipt, and how urgent it looks. */
export interface Mark {
  word: string;
  tone: Tone;
  /** What it means, for who rests on it. */
  title: string;
}

const STATUS_WORDS: Readonly<Record<Receipt['status'], string>> = {
  queued: 'waiting',
  starting: 'starting',
  running: 'running',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'cancelled',
  timed_out: 'out of time',
  lost: 'lost',
};

/** What was run, as a person would type it. */
export function whatRan({ command, file, arguments: given }: Pick<Receipt, 'command' | 'file' | 'arguments'>): string {
  return command ?? [file ?? '', ...given].join(' ');
}

/** How it ended, or what it is at. */
export function endMark({ status, exitCode }: Pick<Receipt, 'status' | 'exitCode'>): Mark {
  if (!isEndedRun(status)) return { word: STATUS_WORDS[status], tone: 'accent', title: 'The run has not ended.' };
  const word = exitCode === null ? STATUS_WORDS[status] : `exit ${exitCode}`;
  return { word, tone: status === 'succeeded' ? 'good' : 'bad', title: `The run has ended: ${STATUS_WORDS[status]}.` };
}

/** What a reader must know before they rely on it. */
export function receiptMarks(receipt: Pick<Receipt, 'isStale' | 'isChanged' | 'isCited' | 'status'>): Mark[] {
  const marks: Mark[] = [];
  if (receipt.isCited) marks.push({ word: 'cited', tone: 'accent', title: 'The verdict cites it.' });
  if (receipt.isStale) {
    marks.push({ word: 'older snapshot', tone: 'warn', title: 'It is about other files than the review is now.' });
  }
  if (receipt.isChanged === true) {
    marks.push({ word: 'changed copy', tone: 'warn', title: 'The copy’s files were changed before it was run.' });
  }
  if (receipt.isChanged === null && isEndedRun(receipt.status)) {
    marks.push({ word: 'files not verified', tone: 'warn', title: 'Nobody can say which files it found.' });
  }
  return marks;
}

/** True for a receipt that a verdict on the present snapshot can cite. */
export function isCitable(receipt: Pick<Receipt, 'isStale' | 'status'>): boolean {
  return !receipt.isStale && isEndedRun(receipt.status);
}
