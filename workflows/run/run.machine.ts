import { describeValue, readPayload, textOf } from '#workflows/session/session.guards.ts';
import type { RunOutcome, RunStep, RunWorkflowState } from '#workflows/run/run.messages.ts';
import type { AdmittedRun } from '#workflows/run/run.ports.ts';

/** What happens in a step and what an operator can do about it. */
const EXPLANATION: Readonly<Record<RunStep, string>> = {
  queued: 'It is about to begin. Nothing to do.',
  opening: 'Its session is being opened. If it lasts, look at the workflow of the session; `cancel` gives up.',
  syncing: 'The saved files and those of the session are being brought together. `cancel` gives up.',
  running: 'Its program runs, and goes on when workers end. `cancel` ends it with everything that it started.',
  ended: 'It has ended; its receipt is in the database.',
};

/** Notes that operators read; more of them would only be noise. */
const MAX_NOTES = 5;

/** The rules of a run's workflow, without Temporal: where it stands, and whether it is to be ended. */
export class RunMachine {
  step: RunStep = 'queued';
  admitted: AdmittedRun | null = null;
  outcome: RunOutcome['status'] | null = null;
  readonly runId: number;
  #since: number;
  #cancelledBy: string | null = null;
  #notes: string[] = [];

  constructor(runId: number, now: number) {
    this.runId = runId;
    this.#since = now;
  }

  /** True once somebody wants its end. */
  get cancelRequested(): boolean {
    return this.#cancelledBy !== null;
  }

  /** The workflow has begun with this run. */
  admit(run: AdmittedRun): void {
    this.admitted = run;
    if (run.cancelRequested) this.#cancelledBy ??= 'a person';
  }

  /** Goes to the next step. */
  enter(step: RunStep, now: number): void {
    this.step = step;
    this.#since = now;
  }

  /** Takes a `cancel`, whatever came with it. Only the first one counts. Never throws. */
  receiveCancel(payload: unknown): void {
    const read = readPayload(payload, { opId: 'string', actor: 'string' });
    if (read.problem !== null) this.#note(`cancel: ${read.problem}; the run is ended all the same`);
    this.#cancelledBy ??= textOf(read, 'actor') ?? 'operator';
  }

  /** Notes a signal that this workflow does not know. */
  receiveUnknown(name: string): void {
    this.#note(`the signal ${describeValue(name)} is not known`);
  }

  /** What the query answers. */
  get state(): RunWorkflowState {
    const { runId, step, cancelRequested, outcome } = this;
    return { runId, step, cancelRequested, outcome };
  }

  /** What an operator reads: the step, why, since, and what can be done. */
  get details(): string {
    const end = this.outcome === null ? '' : ` (${this.outcome})`;
    const lines = [
      `**${this.step}**${end} since ${new Date(this.#since).toISOString()}`,
      '',
      EXPLANATION[this.step],
      '',
    ];
    if (this.admitted !== null) {
      lines.push(`- ${this.admitted.session}`, `- at most ${this.admitted.timeLimitSeconds} s`);
    }
    if (this.#cancelledBy !== null) lines.push(`- asked to end by ${this.#cancelledBy}`);
    lines.push(...this.#notes.map((note) => `- ${note}`));
    return lines.join('\n');
  }

  #note(text: string): void {
    this.#notes = [...this.#notes, text].slice(-MAX_NOTES);
  }
}
