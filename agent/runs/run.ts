import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { AgentRunMessage } from '#shared/contracts/agentRuns.ts';
import { RUN_STREAMS, type RunStream } from '#shared/domain/run.ts';
import { Capture } from '#agent/runs/capture.ts';
import { Family } from '#agent/runs/family.ts';

/** After SIGTERM the programs of a run get so long. */
const GRACE_MS = 2_000;
/** After the last process an output is read for so long: one that got away may hold it open for ever. */
const DRAIN_MS = 500;

/** A started program, and what it may use. */
export interface RunOptions {
  id: string;
  child: ChildProcessWithoutNullStreams & { pid: number };
  /** NAME=value of the environment of everything that it starts. */
  mark: string;
  timeLimitMs: number;
  outputLimitBytes: number;
}

/**
 * A command that lives on whoever asks for it. It ends with its program: what that leaves behind is ended too. Its outputs
 * are always read, so it never waits for anybody; what is beyond the limit is counted and dropped.
 */
export class Run {
  readonly id: string;
  /** Resolves once nothing of it runs and no more output comes. */
  readonly ended: Promise<void>;
  readonly #captures: Readonly<Record<RunStream, Capture>>;
  readonly #family: Family;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #running = true;
  #exit: { exitCode: number | null; signal: string | null; afterMs: number } | null = null;
  #stopped: AgentRunMessage['stopped'] = null;
  #ending: Promise<void> | null = null;
  #news = Promise.withResolvers<void>();

  constructor({ id, child, mark, timeLimitMs, outputLimitBytes }: RunOptions) {
    this.id = id;
    this.#captures = { stdout: new Capture(outputLimitBytes), stderr: new Capture(outputLimitBytes) };
    this.#family = new Family(child.pid, mark);
    this.#timer = setTimeout(() => this.stop('time'), timeLimitMs);
    for (const stream of RUN_STREAMS) child[stream].on('data', (chunk: Buffer) => this.#take(stream, chunk));
    this.ended = this.#follow(child);
  }

  get running(): boolean {
    return this.#running;
  }

  /** Resolves at the next output that is kept, or at the end. */
  get news(): Promise<void> {
    return this.#news.promise;
  }

  /** What of an output is held. */
  capture(stream: RunStream): Capture {
    return this.#captures[stream];
  }

  /** Ends everything that it started. Only the first reason counts, and none once its program has ended. */
  stop(reason: 'cancelled' | 'time' | 'session'): void {
    if (this.#exit !== null || this.#stopped !== null) return;
    this.#stopped = reason;
    this.#ending = this.#family.end(GRACE_MS);
  }

  /** The run as it is told. */
  describe(): AgentRunMessage {
    const output = ({ total, kept }: Capture) => ({ bytes: total, kept });
    return {
      id: this.id,
      running: this.#running,
      exitCode: this.#exit?.exitCode ?? null,
      signal: this.#exit?.signal ?? null,
      stopped: this.#stopped,
      stdout: output(this.#captures.stdout),
      stderr: output(this.#captures.stderr),
      durationMs: Math.round(this.#exit?.afterMs ?? performance.now() - this.#startedAt),
    };
  }

  async #follow(child: ChildProcessWithoutNullStreams): Promise<void> {
    const drained = Promise.all(RUN_STREAMS.map((stream) => closeOf(child[stream])));
    const [exitCode, signal] = await new Promise<[number | null, string | null]>((resolve) =>
      child.once('exit', (...end) => resolve(end)),
    );
    this.#exit = { exitCode, signal, afterMs: performance.now() - this.#startedAt };
    clearTimeout(this.#timer);
    this.#family.leaderEnded();
    await (this.#ending ?? this.#family.end(GRACE_MS));
    const late = setTimeout(() => RUN_STREAMS.forEach((stream) => child[stream].destroy()), DRAIN_MS);
    await drained;
    clearTimeout(late);
    this.#running = false;
    this.#tell();
  }

  #take(stream: RunStream, chunk: Buffer): void {
    if (this.#captures[stream].append(chunk)) this.#tell();
  }

  #tell(): void {
    const { resolve } = this.#news;
    this.#news = Promise.withResolvers();
    resolve();
  }
}

function closeOf(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    // A pipe that breaks is a pipe that has ended; 'close' follows every error.
    stream.on('error', () => undefined);
    stream.once('close', resolve);
  });
}
