import { isLivePhase, type PhaseReason, type SessionPhase } from '#shared/domain/session.ts';

/** How urgent a chip looks. */
export type Tone = 'plain' | 'good' | 'accent' | 'warn' | 'bad';

const PHASE_WORDS: Readonly<Record<SessionPhase, { word: string; tone: Tone }>> = {
  requested: { word: 'Waiting to start', tone: 'accent' },
  provisioning: { word: 'Starting', tone: 'accent' },
  loading: { word: 'Loading files', tone: 'accent' },
  running: { word: 'Open', tone: 'good' },
  recovering: { word: 'Recovering', tone: 'warn' },
  saving: { word: 'Saving', tone: 'accent' },
  closing: { word: 'Closing', tone: 'accent' },
  closed: { word: 'Closed', tone: 'plain' },
  failed: { word: 'Could not open', tone: 'bad' },
};

const REASON_SENTENCES: Readonly<Record<PhaseReason, string>> = {
  user: 'You closed it. Everything was saved.',
  operator: 'An operator closed it. Everything was saved.',
  idle: 'It closed by itself because nothing happened in it. Everything was saved.',
  expired: 'It reached its time limit and closed. Everything was saved.',
  superseded: 'It was opened anew while it closed.',
  discarded: 'What was only on its disk was discarded. Its files are as they were last saved.',
  'pod-lost': 'The machine it ran on went away.',
  'provisioning-failed': 'No place to run was found. Try again; if it lasts, tell the operator.',
  'agent-unreachable': 'It started but did not answer. Try again.',
  'load-failed': 'The files could not be put in place. They are safe here; try again.',
  'save-failed': 'Some changes could not be saved yet. They are kept; open the session to save them.',
  'node-lost': 'The machine it runs on does not answer. Files can still be edited here.',
  'copy-over': 'The review has its verdict, or you may no longer run it.',
};

/** What the chip of a session says. A session that was never opened is new rather than closed. */
export function phaseWord(session: { phase: SessionPhase; generation: number }): { word: string; tone: Tone } {
  if (session.phase === 'closed' && session.generation === 0) return { word: 'New', tone: 'plain' };
  return PHASE_WORDS[session.phase];
}

/** Why a session is where it is, as a sentence; null when there is nothing to say. */
export function reasonSentence(reason: PhaseReason | null): string | null {
  return reason === null ? null : REASON_SENTENCES[reason];
}

/** The one verb that a session offers. */
export function primaryVerb(phase: SessionPhase): 'Open' | 'Continue' | 'Retry' {
  if (phase === 'failed') return 'Retry';
  return isLivePhase(phase) && phase !== 'saving' && phase !== 'closing' ? 'Continue' : 'Open';
}

/** True while a session is on its way to running: its stages are shown. */
export function isOpening(phase: SessionPhase): boolean {
  return phase === 'requested' || phase === 'provisioning' || phase === 'loading';
}

/** True while a session is on its way to closed. */
export function isClosing(phase: SessionPhase): boolean {
  return phase === 'saving' || phase === 'closing';
}

const LANGUAGE_WORDS: Readonly<Record<string, string>> = {
  python: 'Python',
  javascript: 'JavaScript',
  typescript: 'TypeScript',
  c: 'C',
  cpp: 'C++',
  text: 'Plain text',
};
/** A language's name as people write it. */
export function languageWord(language: string): string {
  return LANGUAGE_WORDS[language] ?? language;
}
