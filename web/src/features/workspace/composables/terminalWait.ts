import type { PodCause } from '#shared/domain/podCause.ts';
import { isLivePhase, type SessionPhase } from '#shared/domain/session.ts';
import { isClosing, isOpening } from '../../../composables/sessionWords.ts';

/** What the place of the terminals says while they cannot be used: what is waited for, and what becomes of them. */
export interface TerminalWait {
  title: string;
  detail: string;
}

/** Who does not answer, by the cause. While one of these is silent nothing happens that a person could watch. */
const SILENT: Partial<Record<PodCause, string>> = {
  'node-lost': 'the session’s machine',
  'cluster-unreachable': 'the cluster',
};

/** What a session's terminals wait for; null while they answer, or have nothing to wait for. */
export function terminalWait(phase: SessionPhase, cause: PodCause | null): TerminalWait | null {
  const silent = cause === null ? undefined : SILENT[cause];
  if (phase === 'recovering') {
    return {
      title: silent === undefined ? 'Starting the session again…' : `Waiting for ${silent} to answer`,
      detail: 'Programs in its terminals may have ended. Terminals can be used again once the session runs.',
    };
  }
  if (silent === undefined || !isLivePhase(phase)) return null;
  if (isClosing(phase)) {
    return {
      title: `Closing waits for ${silent} to answer`,
      detail: 'What is not saved yet stays on the session’s disk until it is saved or you discard it.',
    };
  }
  const details = isOpening(phase) ? OPENING : RUNNING;
  return {
    title: `Waiting for ${silent} to answer`,
    detail: cause === 'node-lost' ? details.machine : details.cluster,
  };
}

/* An opening gives up on a machine after some tries, but never on the cluster. */
const OPENING = {
  machine:
    'Your files can be read and edited meanwhile. If the machine does not come back in time, opening ends and you can try again.',
  cluster: 'The session opens by itself once it does. Your files can be read and edited meanwhile.',
};

/* Nobody but its owner ends what runs on a machine that does not answer. */
const RUNNING = {
  machine:
    'If it comes back, your terminals and the programs that still run there go on. If you discard and reopen the session, it starts elsewhere without them.',
  cluster: 'Berth ended nothing meanwhile. Your terminals and the programs that still run there go on once it does.',
};
