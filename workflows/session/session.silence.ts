import { sleep } from '@temporalio/workflow';
import { explain, isSilence } from '#workflows/session/session.failures.ts';
import type { SessionRun } from '#workflows/session/session.run.ts';

/** The first and the longest pause, in milliseconds, between two tries while nothing answers. */
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Does the step again and again while what sessions run on, or the database, does not answer: an API server that is away
 * for an hour says nothing about a pod, so it ends no open, no recovery and no save. Any other failure is the caller's. A close cancels the
 * wait of an open.
 */
export async function outlastSilence<T>(run: SessionRun, step: () => Promise<T>): Promise<T> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return await step();
    } catch (error) {
      if (!isSilence(error)) throw error;
      if (pause === FIRST_PAUSE_MS) run.machine.note(`waiting for an answer: ${explain(error)}`, Date.now());
    }
    await sleep(pause, { summary: 'until there is an answer' });
  }
}
