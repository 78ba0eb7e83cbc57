import { setTimeout as pause } from 'node:timers/promises';
import type { ApiDeps } from '#api/deps.ts';
import { toAppError } from '#api/http/problem.ts';
import type { Caller } from '#api/http/route.ts';
import { loadOwnRun } from '#api/policies/runPolicy.ts';
import { watchCopyRights } from '#api/terminal/copyRights.ts';
import type { AttachRun, RunServerEvents } from '#shared/contracts/run.ts';
import { AppError, isAppError } from '#shared/domain/errors.ts';
import { isEndedRun, RUN_STREAMS, type RunStream } from '#shared/domain/run.ts';
import { readRunOutputPiece, type RunRecord } from '#platform/db/repositories/runs.ts';
import { findSession } from '#platform/db/repositories/sessions.ts';

const FIRST_WAIT_MS = 100;
const LAST_WAIT_MS = 1_000;
/** Bytes of one piece. */
const PIECE_BYTES = 32 * 1024;

/** A piece of one of the outputs. */
export interface RunPiece {
  stream: RunStream;
  offset: number;
  data: Uint8Array;
}

/** One reader of one run, from where it was to the end: of the agent while that has the run, of the receipt after. */
export interface RunLink {
  /** The reader knows that it is attached: output may flow. */
  begin(): void;
  close(): void;
}

/** What a link works with. */
export interface RunLinkOptions {
  deps: ApiDeps;
  caller: () => Caller;
  request: AttachRun;
  /** Hands a piece to the reader; resolves once that has taken it, and rejects when it takes none. */
  output: (piece: RunPiece) => Promise<void>;
  tell: <Event extends 'runEnd' | 'runGone'>(
    event: Event,
    message: Omit<Parameters<RunServerEvents[Event]>[0], 'sessionUuid' | 'runId'>,
  ) => void;
  /** The link is over by itself. */
  ended: () => void;
}

/** Makes a link; `begin` comes first. */
export function createRunLink({ deps, caller, request, output, tell, ended }: RunLinkOptions): RunLink {
  const offsets: Record<RunStream, number> = { stdout: request.stdout, stderr: request.stderr };
  const { sessionUuid: uuid, runId } = request;
  const leaving = new AbortController();
  const { signal } = leaving;

  async function send(piece: RunPiece): Promise<void> {
    const taken = Promise.withResolvers<void>();
    // A reader that leaves takes nothing more, and must hold nothing either: of each piece a race would leave something behind.
    signal.addEventListener('abort', leave);
    function leave(): void {
      taken.resolve();
    }
    output(piece).then(taken.resolve, taken.reject);
    await taken.promise.finally(() => signal.removeEventListener('abort', leave));
    signal.throwIfAborted();
    offsets[piece.stream] = piece.offset + piece.data.byteLength;
  }

  async function follow(): Promise<void> {
    for (let wait = FIRST_WAIT_MS; !signal.aborted; wait = Math.min(wait * 2, LAST_WAIT_MS)) {
      const found = await look().catch(outlast);
      if (found === 'end') return;
      if (found === 'output') wait = FIRST_WAIT_MS;
      // What follows is in the row, or comes with the agent.
      await pause(wait, undefined, { ref: false });
    }
  }

  async function look(): Promise<'end' | 'output' | 'nothing'> {
    const run = await loadOwnRun(deps, caller(), { uuid, runId });
    if (isEndedRun(run.status)) {
      await sendKept(run);
      if (!signal.aborted) tell('runEnd', { status: run.status });
      return 'end';
    }
    return run.status === 'running' && (await followAgent(run)) ? 'output' : 'nothing';
  }

  /** A database that does not answer for a while ends nothing; what is refused is refused. */
  function outlast(error: unknown): 'nothing' {
    if (signal.aborted || toAppError(error).status < 500) throw error;
    deps.log.warn({ err: error, runId }, 'a run cannot be followed now');
    return 'nothing';
  }

  /** Follows the agent's run while that can be reached. True when there was something to tell. */
  async function followAgent(run: RunRecord): Promise<boolean> {
    const before = offsets.stdout + offsets.stderr;
    try {
      const agent = await deps.agentPool.get(uuid, run.generation ?? 0);
      if (agent.bootId !== run.bootId) return false;
      for await (const part of agent.runs.follow(String(runId), offsets, signal)) {
        if ('ended' in part) break;
        await send({ stream: part.stream, offset: part.offset, data: part.bytes });
      }
    } catch (error) {
      const passing = ['AGENT_UNREACHABLE', 'RUN_NOT_FOUND', 'STALE_GENERATION'] as const;
      if (!passing.some((code) => isAppError(error, code))) throw error;
    }
    return offsets.stdout + offsets.stderr > before;
  }

  async function sendKept(run: RunRecord): Promise<void> {
    for (const stream of RUN_STREAMS) {
      while (!signal.aborted && offsets[stream] < run[stream].kept) {
        const offset = offsets[stream];
        // Piece by piece: readers that take nothing would hold whole outputs, as many times as there are readers.
        const data = await readRunOutputPiece(deps.database, run.id, { stream, offset, bytes: PIECE_BYTES });
        if (data.byteLength === 0) throw new AppError('NOT_FOUND');
        await send({ stream, offset, data });
      }
    }
  }

  async function live(): Promise<void> {
    const session = await findSession(deps.database, uuid).catch(() => null);
    const stopRightsWatch = session === null ? null : watchCopyRights(deps, session, loseRight);
    try {
      await follow();
    } catch (error) {
      if (signal.aborted) return;
      const code = isAppError(error) ? error.code : 'INTERNAL';
      if (code !== 'NOT_FOUND' && code !== 'RUNNING_COPY_OVER')
        deps.log.warn({ err: error, runId }, 'a run cannot be followed any more');
      tell('runGone', { code });
    } finally {
      stopRightsWatch?.();
      ended();
    }
  }

  function loseRight(): void {
    tell('runGone', { code: 'RUNNING_COPY_OVER' });
    leaving.abort();
  }

  return {
    begin: () => void live(),
    close: () => leaving.abort(),
  };
}
