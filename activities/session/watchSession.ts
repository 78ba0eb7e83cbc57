import { Context } from '@temporalio/activity';
import type { SessionActivities, WatchActivities } from '#workflows/session/session.ports.ts';
import type { ActivityDeps } from '#activities/session/deps.ts';
import { SessionWatch, type WatchInput, type WatchVerdict } from '#activities/session/sessionWatch.ts';

/** How often, in milliseconds, pod, agent and activity are looked at without a hint. */
const LOOK_EVERY_MS = 2_000;
/** How often, in milliseconds, the paths that differ from their base are looked for without a notice. */
const CHECK_DATABASE_EVERY_MS = 10_000;

/** The one long activity of a running session. */
export function createWatchActivities(deps: ActivityDeps & Pick<SessionActivities, 'reconcile'>): WatchActivities {
  return {
    async watchSession(input) {
      const context = Context.current();
      const bell = createBell();
      const watch = new SessionWatch(deps, input, bell.ring);
      const release = followHints(deps, input, watch);
      const onCancel = (): void => bell.ring();
      context.cancellationSignal.addEventListener('abort', onCancel);
      try {
        return await follow(context, { watch, wait: bell.wait });
      } finally {
        context.cancellationSignal.removeEventListener('abort', onCancel);
        release();
        watch.stop();
      }
    },
  };
}

/** Looks and syncs until there is a reason to end. Rejects when the activity is cancelled. */
async function follow(
  context: Context,
  { watch, wait }: { watch: SessionWatch; wait: (milliseconds: number) => Promise<void> },
): Promise<WatchVerdict> {
  let lookAt = 0;
  let checkAt = 0;
  for (;;) {
    // Rejects once the activity is cancelled.
    if (context.cancellationSignal.aborted) await context.cancelled;
    context.heartbeat();
    const now = Date.now();
    if (now >= checkAt) {
      checkAt = now + CHECK_DATABASE_EVERY_MS;
      watch.databaseChanged();
    }
    if (watch.takeLookHint() || now >= lookAt) {
      lookAt = now + LOOK_EVERY_MS;
      const end = await watch.look();
      if (end !== null) return end;
    }
    await watch.sync();
    const next = Math.min(lookAt, watch.dueAt ?? lookAt);
    await wait(Math.max(0, next - Date.now()));
  }
}

function followHints(deps: ActivityDeps, input: WatchInput, watch: SessionWatch): () => void {
  const stopEvents = deps.events.onNotice('berth_events', (payload) => {
    // Null: the connection was lost and is back; anything may have happened.
    if (payload === null || isAbout(payload, input.sessionId)) watch.databaseChanged();
  });
  const stopPods = deps.runtime.watch((uuid) => {
    if (uuid === input.uuid) watch.podChanged();
  });
  return () => {
    stopEvents();
    stopPods();
  };
}

function isAbout(payload: string, sessionId: number): boolean {
  const notice = JSON.parse(payload) as { subject: string; id: number };
  return notice.subject === 'session' && notice.id === sessionId;
}

/** A wait that a ring ends early; a ring while nobody waits ends the next wait at once. */
function createBell(): { ring(): void; wait(milliseconds: number): Promise<void> } {
  let rung = false;
  let end: (() => void) | null = null;
  return {
    ring() {
      rung = true;
      end?.();
    },
    async wait(milliseconds) {
      if (!rung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, milliseconds);
          end = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      end = null;
      rung = false;
    },
  };
}
