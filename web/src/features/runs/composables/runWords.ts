import type { Run } from '#shared/contracts/run.ts';
import type { RunStatus } from '#shared/domain/run.ts';
import type { Tone } from '../../../composables/sessionWords.ts';

const STATUS_WORDS: Readonly<Record<RunStatus, { word: string; tone: Tone }>> = {
  queued: { word: 'Waiting', tone: 'accent' },
  starting: { word: 'Starting', tone: 'accent' },
  running: { word: 'Running', tone: 'accent' },
  succeeded: { word: 'Succeeded', tone: 'good' },
  failed: { word: 'Failed', tone: 'bad' },
  cancelled: { word: 'Cancelled', tone: 'plain' },
  timed_out: { word: 'Out of time', tone: 'warn' },
  lost: { word: 'Lost', tone: 'warn' },
};

/** What the chip of a run says. */
export function statusWord({ status }: Pick<Run, 'status'>): { word: string; tone: Tone } {
  return STATUS_WORDS[status];
}

/** What a run carries out, in one line. */
export function runTitle({ command, file, arguments: given }: Pick<Run, 'command' | 'file' | 'arguments'>): string {
  return command ?? [file ?? '', ...given].join(' ');
}

/** How a program ended beyond its status; null while that says it all. */
export function endWord({ exitCode, signal }: Pick<Run, 'exitCode' | 'signal'>): string | null {
  if (exitCode !== null) return `exit code ${exitCode}`;
  return signal === null ? null : `ended by ${signal}`;
}

/** The most characters of an output that the page draws: its end is what a person looks for. */
const SHOWN_CHARACTERS = 200_000;
// Colours, cursor moves and titles: a page of text has no use for them.
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;

/** An output as it is drawn: without what only a terminal understands, and its end alone where it is long. */
export function shownOutput(text: string): { text: string; cut: boolean } {
  const cut = text.length > SHOWN_CHARACTERS;
  const end = cut ? text.slice(-SHOWN_CHARACTERS) : text;
  return { text: end.replace(ESCAPES, '').replaceAll('\r\n', '\n'), cut };
}
