import type { Transaction } from 'sequelize';
import {
  deleteIntent,
  intentIsDone,
  postponeIntent,
  recheckIntent,
  takeDueIntent,
  type IntentRecord,
} from '#platform/db/repositories/intents.ts';
import type { EventListener } from '#platform/events/listener.ts';
import { sendIntent, type SendDeps } from '#workers/sendIntent.ts';

/** What the dispatcher works with. */
export interface DispatcherDeps extends SendDeps {
  events: EventListener;
}

/** Carries committed wishes to Temporal, whenever it can be reached. */
export interface Dispatcher {
  start(): void;
  /** Resolves once nothing is being carried. */
  stop(): Promise<void>;
}

/** Notices get lost: the outbox is looked at this often, in milliseconds, anyway. */
const LOOK_EVERY_MS = 2_000;
/** How soon, in seconds, the effect of a sent intent is looked for again. */
const RECHECK_SECONDS = 0.25;
/** An intent without effect after so many seconds is sent again. */
const RESEND_SECONDS = 10;
/** Must stay well below the minute within which an intent is carried out after an outage. */
const LONGEST_BACKOFF_SECONDS = 10;

/** Makes the dispatcher. Several may run at once: each intent is held by one, and those of one subject go in order. */
export function createDispatcher(deps: DispatcherDeps): Dispatcher {
  let stopped = true;
  let again = false;
  let carrying: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;
  let stopNotices: () => void = () => undefined;

  function poke(): void {
    if (stopped) return;
    again = true;
    carrying ??= carryAll().finally(() => {
      carrying = null;
      if (again) poke();
    });
  }

  async function carryAll(): Promise<void> {
    again = false;
    clearTimeout(timer);
    let waiting = false;
    try {
      for (let next = await carryNext(deps); next !== 'none' && !stopped; next = await carryNext(deps)) {
        waiting ||= next === 'waiting';
      }
    } catch (error) {
      deps.log.error({ err: error }, 'the outbox could not be read; trying again');
    }
    if (!stopped) timer = setTimeout(poke, waiting ? RECHECK_SECONDS * 1_000 : LOOK_EVERY_MS);
  }

  return {
    start() {
      stopped = false;
      stopNotices = deps.events.onNotice('berth_intents', poke);
      poke();
    },
    async stop() {
      stopped = true;
      stopNotices();
      clearTimeout(timer);
      await carrying;
    },
  };
}

/** Takes one intent a step further. `waiting`: it was sent, and its effect is to be seen soon. */
function carryNext(deps: DispatcherDeps): Promise<'none' | 'done' | 'waiting' | 'failed'> {
  return deps.database.transaction(async (tx) => {
    const intent = await takeDueIntent(deps.database, tx);
    if (intent === null) return 'none';
    if (await intentIsDone(deps.database, intent, tx)) {
      await deleteIntent(deps.database, intent.id, tx);
      return 'done';
    }
    if (intent.sentSecondsAgo !== null && intent.sentSecondsAgo < RESEND_SECONDS) {
      await recheckIntent(deps.database, { id: intent.id, seconds: RECHECK_SECONDS }, tx);
      return 'waiting';
    }
    return send(deps, intent, tx);
  });
}

async function send(deps: DispatcherDeps, intent: IntentRecord, tx: Transaction): Promise<'waiting' | 'failed'> {
  const { id, attempts } = intent;
  try {
    await sendIntent(deps, intent);
  } catch (error) {
    const lastError = error instanceof Error ? error.message : String(error);
    const seconds = Math.min(0.5 * 2 ** attempts, LONGEST_BACKOFF_SECONDS);
    deps.log.warn({ err: error, intent: id, kind: intent.kind, attempts }, 'an intent could not be sent; trying again');
    await postponeIntent(deps.database, { id, seconds, lastError }, tx);
    return 'failed';
  }
  await postponeIntent(deps.database, { id, seconds: RECHECK_SECONDS, lastError: null }, tx);
  return 'waiting';
}
