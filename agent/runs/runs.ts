import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import {
  MAX_KEPT_RUNS,
  MAX_RUN_OUTPUT_BYTES,
  MAX_RUNNING_RUNS,
  type AgentRunMessage,
  type RUN_REQUESTS,
} from '#shared/contracts/agentRuns.ts';
import type { z } from 'zod';
import { AgentFailure, systemCode } from '#agent/failure.ts';
import type { Workspace } from '#agent/files/folders.ts';
import { FIRST_TO_GO, programEnvironment, type ProgramPlace } from '#agent/processes/program.ts';
import { reportFailure } from '#agent/report.ts';
import { Run } from '#agent/runs/run.ts';

/** Ids of runs that are gone and must not be started again. */
const MAX_REMEMBERED = 4_096;

/** What a run is started with. */
export type StartRequest = z.infer<(typeof RUN_REQUESTS)[0]>;

/** The runs of the session. */
export class Runs {
  readonly #workspace: Workspace;
  readonly #place: ProgramPlace;
  readonly #runs = new Map<string, { run: Run; limit: number }>();
  /** What was started in this life of the agent, so that nothing is ever started twice. */
  readonly #gone = new Set<string>();
  #lastActiveAt: number | null = null;
  #closed = false;

  constructor(workspace: Workspace, place: ProgramPlace) {
    this.#workspace = workspace;
    this.#place = place;
  }

  /**
   * Starts a command. One whose id is known is told as it is. Fails with RUN_LIMIT when too many run, with RUN_REFUSED when
   * it cannot begin where it should, with SESSION_NOT_RUNNING once the session ends, with RUN_NOT_FOUND for one that is gone.
   */
  start(request: StartRequest, stdin: Uint8Array): AgentRunMessage {
    const known = this.#runs.get(request.id);
    if (known !== undefined) return known.run.describe();
    if (this.#gone.has(request.id)) throw notFound();
    if (this.#closed) throw new AgentFailure('SESSION_NOT_RUNNING', 'The session is closing.');
    this.#makeRoom(request.outputLimitBytes);
    const mark = randomBytes(12).toString('hex');
    const child = this.#spawn(request, mark);
    const { id, timeLimitMs, outputLimitBytes } = request;
    const run = new Run({ id, child, mark: `BERTH_RUN=${mark}`, timeLimitMs, outputLimitBytes });
    this.#runs.set(id, { run, limit: outputLimitBytes });
    this.#touch();
    void run.ended.then(() => this.#touch());
    // A program that does not read its input, or ends before it has: that is its own affair.
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
    return run.describe();
  }

  /** The run. Fails with RUN_NOT_FOUND. */
  get(id: string): Run {
    const known = this.#runs.get(id);
    if (known === undefined) throw notFound();
    return known.run;
  }

  /** Lets go of a run that has ended; one that runs stays. */
  forget(id: string): void {
    if (this.#runs.get(id)?.run.running === false) this.#drop(id);
  }

  /** Starts nothing any more, and ends what runs. */
  shut(): void {
    this.#closed = true;
    for (const { run } of this.#runs.values()) run.stop('session');
  }

  /** Milliseconds since a run began or ended, null for never; and whether one runs. */
  activity(): { quietMs: number | null; running: boolean } {
    const quietMs = this.#lastActiveAt === null ? null : performance.now() - this.#lastActiveAt;
    return { quietMs, running: this.#running().length > 0 };
  }

  #running(): { run: Run; limit: number }[] {
    return [...this.#runs.values()].filter(({ run }) => run.running);
  }

  #touch(): void {
    this.#lastActiveAt = performance.now();
  }

  /** What runs may still fill its limits; what has ended and was not fetched gives way, oldest first. */
  #makeRoom(limit: number): void {
    const running = this.#running();
    if (running.length >= MAX_RUNNING_RUNS) {
      throw new AgentFailure('RUN_LIMIT', `A session has at most ${MAX_RUNNING_RUNS} runs at once.`);
    }
    const reserved = running.reduce((sum, one) => sum + 2 * one.limit, 2 * limit);
    if (reserved > MAX_RUN_OUTPUT_BYTES) {
      throw new AgentFailure('RUN_LIMIT', 'The runs of this session may keep no more output at once.');
    }
    const ended = [...this.#runs.values()].map(({ run }) => run).filter((run) => !run.running);
    let kept = ended.reduce((sum, run) => sum + run.capture('stdout').kept + run.capture('stderr').kept, 0);
    let count = ended.length;
    for (const run of ended) {
      if (count < MAX_KEPT_RUNS && reserved + kept <= MAX_RUN_OUTPUT_BYTES) return;
      kept -= run.capture('stdout').kept + run.capture('stderr').kept;
      count -= 1;
      this.#drop(run.id);
    }
  }

  #drop(id: string): void {
    this.#runs.delete(id);
    this.#gone.add(id);
    const [oldest] = this.#gone;
    if (this.#gone.size > MAX_REMEMBERED && oldest !== undefined) this.#gone.delete(oldest);
  }

  #spawn(request: StartRequest, mark: string): ChildProcessWithoutNullStreams & { pid: number } {
    const names = request.folder === '' ? [] : request.folder.split('/');
    const folder = this.#open(names);
    try {
      const child = spawn('/bin/sh', ['-c', `${FIRST_TO_GO}; exec "$@"`, 'sh', ...request.argv], {
        // The very folder that was opened, whatever has been renamed or linked since: the child resolves it for itself.
        cwd: `/proc/self/fd/${folder}`,
        env: {
          ...programEnvironment({ ...this.#place, folder: join(this.#place.folder, ...names) }),
          TERM: 'dumb',
          ...request.environment,
          BERTH_RUN: mark,
        },
        // A session of its own: it can be signalled as a whole, and has no terminal.
        detached: true,
      });
      // Told by the missing pid as well.
      child.on('error', reportFailure);
      const { pid } = child;
      if (pid === undefined) {
        throw new AgentFailure('RUN_LIMIT', 'The session can start no more programs. End some, and try again.');
      }
      return Object.assign(child, { pid });
    } finally {
      if (folder !== this.#workspace.root) closeSync(folder);
    }
  }

  #open(names: string[]): number {
    try {
      return this.#workspace.open(names, false);
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES'].includes(systemCode(error))) throw error;
      throw new AgentFailure('RUN_REFUSED', `There is no folder "${names.join('/')}" in the session.`);
    }
  }
}

function notFound(): AgentFailure {
  return new AgentFailure('RUN_NOT_FOUND', 'The run is not there any more.');
}
