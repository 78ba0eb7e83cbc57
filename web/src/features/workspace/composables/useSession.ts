import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue';
import { CAUSE_ADVICE, readPodCause, type CauseAdvice } from '#shared/domain/podCause.ts';
import { isLivePhase, isReachablePhase } from '#shared/domain/session.ts';
import type { BerthEvent } from '#shared/contracts/events.ts';
import type { Session } from '#shared/contracts/session.ts';
import * as sessions from '../../../api/sessions.ts';
import { followSubject } from '../../../api/sockets.ts';
import { now } from '../../../composables/now.ts';
import { isClosing, isOpening } from '../../../composables/sessionWords.ts';
import { useLoad } from '../../../composables/useLoad.ts';
import type { ClosingSoon } from './closingSoon.ts';
import { readSessionEvent, type SessionEvent } from './sessionEvent.ts';

/** How long a warning of a close outlives its moment, in milliseconds: a close takes a few seconds to be told. */
const WARNING_GRACE_MS = 5_000;

/** What the rest of the page wants to hear. */
export interface SessionListeners {
  itemsChanged(): void;
  conflict(paths: { path: string; copy: string }): void;
  closed(session: Session): void;
  /** Its pod was lost and is made again: programs have ended, and this is why. */
  lost(advice: CauseAdvice): void;
}

/** One session as its page sees it: loaded, followed live, opened, closed, kept. */
export function useSession(uuid: string, listeners: SessionListeners) {
  const load = useLoad(() => sessions.loadSession(uuid));
  const session = load.value;
  const loadedAt = ref(Date.now());
  const warning = shallowRef<ClosingSoon | null>(null);
  /** Told before an idle close; when its time has passed the session was used meanwhile and stays open. */
  const closingSoon = computed(() =>
    warning.value !== null && now.value < Date.parse(warning.value.at) + WARNING_GRACE_MS ? warning.value : null,
  );
  let stopFollowing: (() => void) | undefined;

  const phase = computed(() => session.value?.phase ?? null);
  const live = computed(() => phase.value !== null && isLivePhase(phase.value));
  const reachable = computed(() => phase.value !== null && isReachablePhase(phase.value));
  const opening = computed(() => phase.value !== null && isOpening(phase.value));
  const closing = computed(() => phase.value !== null && isClosing(phase.value));
  /** The stages of the opening; the one under way counts on. */
  const stages = computed(() => {
    const known = session.value?.stages ?? [];
    return known.map((stage, index) => {
      const counts = opening.value && index === known.length - 1;
      return {
        ...stage,
        seconds: counts ? stage.seconds + Math.max(0, now.value - loadedAt.value) / 1_000 : stage.seconds,
      };
    });
  });

  watch(session, (loaded, before) => {
    if (!loaded) return;
    loadedAt.value = Date.now();
    if (loaded.phase !== 'running') warning.value = null;
    if (before && isLivePhase(before.phase) && !isLivePhase(loaded.phase)) listeners.closed(loaded);
    stopFollowing ??= followSubject({ subject: 'session', uuid }, loaded.changeSeq, { event: hear, reset: loadAll });
  });
  onScopeDispose(() => stopFollowing?.());
  void load.reload();

  function loadAll(): void {
    void load.reload();
    listeners.itemsChanged();
  }
  function hear(event: BerthEvent): void {
    const heard = readSessionEvent(event);
    if (heard) act(heard);
  }
  function act(event: SessionEvent): void {
    switch (event.kind) {
      case 'items':
      case 'notSaved':
        return listeners.itemsChanged();
      case 'conflict':
        listeners.itemsChanged();
        return listeners.conflict(event.payload);
      case 'closingSoon':
        return void (warning.value = event.payload);
      case 'phase':
        tellLoss(event.payload);
        return void load.reload();
      case 'session':
      case 'volumeExpires':
      case 'review':
        return void load.reload();
      case 'run':
        // What it was cloned by is told with the session.
        return void (session.value?.repository?.run?.id === event.payload.runId && load.reload());
    }
  }

  /* Recovering may be over before the page has loaded it, but its terminals are new: that needs a word. */
  function tellLoss({ phase, cause }: { phase: string; cause?: string | null | undefined }): void {
    const known = phase === 'recovering' ? readPodCause(cause) : null;
    if (known !== null) listeners.lost(CAUSE_ADVICE[known]);
  }

  /* An answer that was long on its way says less than what was loaded meanwhile. */
  function take(answered: Session): void {
    if (session.value === null || answered.changeSeq >= session.value.changeSeq) session.value = answered;
  }
  /** Asks for the session to be opened. Throws SESSION_LIMIT, which names what to close. */
  async function open(): Promise<void> {
    take((await sessions.openSession(uuid)).session);
  }
  /** Asks for the session to be closed; the phases that follow arrive as events. */
  async function close(): Promise<void> {
    take((await sessions.closeSession(uuid)).session);
  }
  /** Gives up what is only on its disk; an open session opens again from what is saved. */
  async function discard(): Promise<void> {
    const act = live.value ? sessions.discardAndReopen : sessions.discardKept;
    take((await act(uuid)).session);
  }
  /** Tries again to save what is on its kept disk. */
  async function retrySave(): Promise<void> {
    take((await sessions.retrySave(uuid)).session);
  }
  /** Holds the session open although nothing happens in it. */
  async function keep(minutes: number): Promise<void> {
    await sessions.extendSession(uuid, minutes);
    warning.value = null;
  }

  return {
    load,
    session,
    phase,
    live,
    reachable,
    opening,
    closing,
    stages,
    closingSoon,
    open,
    close,
    keep,
    discard,
    retrySave,
  };
}
