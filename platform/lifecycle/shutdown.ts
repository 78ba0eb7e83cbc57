import type { Logger } from 'pino';

/** The order of an end: stop taking work, finish what is under way, close what it stood on. */
export const SHUTDOWN_PHASES = ['intake', 'drain', 'stores'] as const;
/** A phase of an end. */
export type ShutdownPhase = (typeof SHUTDOWN_PHASES)[number];

/** The way a process ends. */
export interface Shutdown {
  /** Runs `release` in that phase; the releases of one phase run together, those of the next after them. */
  at(phase: ShutdownPhase, name: string, release: () => Promise<void> | void): void;
  /** Ends the process's work once, however often it is called. Resolves when every phase is done. */
  run(reason: string): Promise<void>;
}

/** Makes a shutdown whose phases together may take `deadlineMs`; then what hangs is left behind, named in the log. */
export function createShutdown(log: Logger, deadlineMs: number): Shutdown {
  const releases: { phase: ShutdownPhase; name: string; release: () => Promise<void> | void }[] = [];
  let running: Promise<void> | undefined;

  async function settle(name: string, release: () => Promise<void> | void): Promise<void> {
    try {
      await release();
    } catch (error) {
      log.error({ err: error, part: name }, 'a part did not end in order');
    }
  }

  async function runPhases(reason: string): Promise<void> {
    log.info({ reason }, 'ending');
    for (const phase of SHUTDOWN_PHASES) {
      await Promise.all(releases.filter((one) => one.phase === phase).map((one) => settle(one.name, one.release)));
    }
  }

  async function withinDeadline(work: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), deadlineMs)));
    const result = await Promise.race([work, late]);
    clearTimeout(timer);
    if (result === 'late') log.error({ deadlineMs }, 'the end took too long; leaving the rest behind');
  }

  return {
    at: (phase, name, release) => void releases.push({ phase, name, release }),
    run: (reason) => (running ??= withinDeadline(runPhases(reason))),
  };
}

/** Ends the process in order on SIGTERM and SIGINT, and at once on a second one. */
export function endOnSignals(shutdown: Shutdown): void {
  let asked = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (asked) process.exit(1);
      asked = true;
      void shutdown.run(signal).finally(() => process.exit(0));
    });
  }
}
