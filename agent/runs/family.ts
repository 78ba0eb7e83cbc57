import { carries, isOver, listProcesses } from '#agent/processes/processTable.ts';
import { signal } from '#agent/processes/quiesce.ts';
import { reportFailure } from '#agent/report.ts';

const LOOK_EVERY_MS = 50;
/** How long to go on killing before saying that it does not work. */
const GIVE_UP_MS = 10_000;

/**
 * Everything that a run started: its process group and session, its descendants, and whoever carries its mark in the
 * environment, as daemons do that have left all of these. A program that also drops its environment is out of reach until
 * the session closes.
 */
export class Family {
  readonly #leader: number;
  readonly #mark: string;
  /** The number of a leader that has gone with all of its group may be given to a stranger. */
  #isNumberOurs = true;
  #leaderIsThere = true;

  /** `leader`: the pid of a process that leads a session of its own. `mark`: NAME=value of its environment. */
  constructor(leader: number, mark: string) {
    this.#leader = leader;
    this.#mark = mark;
  }

  /** The leader has ended, and its number is its own only while others of its group live. */
  leaderEnded(): void {
    this.#leaderIsThere = false;
  }

  /** Ends all: SIGTERM first, SIGKILL after the grace. Resolves when all are gone, or after some seconds when they do not go. */
  async end(graceMs: number): Promise<void> {
    const started = performance.now();
    let members = this.#members();
    for (const pid of members) {
      signal(pid, 'SIGTERM');
      // A stopped program would never see the SIGTERM.
      signal(pid, 'SIGCONT');
    }
    for (; members.length > 0; members = this.#members()) {
      const elapsed = performance.now() - started;
      if (elapsed > graceMs + GIVE_UP_MS) {
        reportFailure(`Processes of a run could not be ended: ${members.slice(0, 10).join(' ')}.`);
        return;
      }
      if (elapsed >= graceMs) this.#kill(members);
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  #kill(members: number[]): void {
    // One call reaches the whole group, so a fork bomb cannot outrun it.
    if (this.#isNumberOurs) signal(-this.#leader, 'SIGKILL');
    for (const pid of members) signal(pid, 'SIGKILL');
  }

  #members(): number[] {
    const living = listProcesses().filter((entry) => !isOver(entry) && entry.pid !== process.pid);
    const ours = new Set<number>();
    if (this.#isNumberOurs) {
      for (const { pid, group, session } of living) {
        if (pid === this.#leader || group === this.#leader || session === this.#leader) ours.add(pid);
      }
      this.#isNumberOurs = this.#leaderIsThere || ours.size > 0;
    }
    for (const { pid } of living) if (!ours.has(pid) && carries(pid, this.#mark)) ours.add(pid);
    for (let before = -1; before !== ours.size;) {
      before = ours.size;
      for (const { pid, parent } of living) if (ours.has(parent)) ours.add(pid);
    }
    return [...ours];
  }
}
