import { randomUUID } from 'node:crypto';
import type { ApiDeps } from '#api/deps.ts';
import type { CreateRun } from '#shared/contracts/run.ts';
import { AppError } from '#shared/domain/errors.ts';
import { lastName } from '#shared/domain/paths.ts';
import { argvOfFile, RUNNABLE_ENDINGS, type RunCommand } from '#shared/domain/runCommand.ts';
import { insertIntent } from '#platform/db/repositories/intents.ts';
import { findItemByPath } from '#platform/db/repositories/items.ts';
import { removeOldRuns } from '#platform/db/repositories/retention.ts';
import { countLiveRuns, insertRun, type NewRun, type RunRecord } from '#platform/db/repositories/runs.ts';
import { lockSession, type SessionRecord } from '#platform/db/repositories/sessions.ts';
import type { Tx } from '#platform/db/database.ts';

/** What runs are noted with. */
type RunDeps = Pick<ApiDeps, 'database' | 'config'>;

/** What is to be run, where, and for whom. */
export interface RunRequest {
  session: Pick<SessionRecord, 'uuid'>;
  userId: number;
  wanted: CreateRun;
}

/**
 * Notes a run and the intent to carry it out, in one transaction. Throws RUN_LIMIT, RUN_UNKNOWN_FILE, RUN_REFUSED, or
 * INVALID_INPUT for limits beyond those of this installation.
 */
export function createRun(deps: RunDeps, request: RunRequest): Promise<RunRecord> {
  return deps.database.transaction((tx) => createRunWithin(deps, request, tx));
}

/** As createRun, in a transaction of the caller's: nothing that this one does stays when the run is refused. */
export async function createRunWithin(
  deps: RunDeps,
  { session, userId, wanted }: RunRequest,
  tx: Tx,
): Promise<RunRecord> {
  const limits = limitsOf(deps, wanted);
  const locked = await lockSession(deps.database, session.uuid, tx);
  if (!locked) throw new AppError('NOT_FOUND');
  const command = await commandOf(deps, { session: locked, wanted }, tx);
  const { stdin, environment } = wanted;
  const input = { stdin, environment };
  return noteRun(deps, { sessionId: locked.id, requestedBy: userId, command, input, ...limits }, tx);
}

/** As `createRun`, for a command that is known, in the transaction of a caller that holds the session's row. Throws RUN_LIMIT. */
export async function noteRun({ database, config }: RunDeps, wanted: NewRun, tx: Tx): Promise<RunRecord> {
  const { sessionId } = wanted;
  const live = await countLiveRuns(database, sessionId, tx);
  if (live >= config.RUNS_AT_ONCE) {
    throw new AppError('RUN_LIMIT', {
      detail: `This session has ${live} runs that have not ended.`,
      data: { limit: live },
    });
  }
  // Not only once an hour: until then a loop could leave any amount of output.
  await removeOldRuns(database, { sessionId }, tx);
  const run = await insertRun(database, wanted, tx);
  await insertIntent(
    database,
    { subject: 'run', subjectId: run.id, generation: 0, kind: 'start_run', opId: randomUUID(), payload: {} },
    tx,
  );
  return run;
}

function limitsOf(
  { config }: RunDeps,
  { timeLimitSeconds, outputLimitBytes }: CreateRun,
): { timeLimitSeconds: number; outputLimitBytes: number } {
  const most = { seconds: config.RUN_TIME_LIMIT_MAX_SECONDS, bytes: config.RUN_OUTPUT_LIMIT_MAX_BYTES };
  if ((timeLimitSeconds ?? 0) > most.seconds) {
    throw beyond('timeLimitSeconds', `A run may take at most ${most.seconds} seconds.`);
  }
  if ((outputLimitBytes ?? 0) > most.bytes) {
    throw beyond('outputLimitBytes', `At most ${most.bytes} bytes of an output are kept.`);
  }
  return {
    timeLimitSeconds: timeLimitSeconds ?? Math.min(config.RUN_TIME_LIMIT_SECONDS, most.seconds),
    outputLimitBytes: outputLimitBytes ?? Math.min(config.RUN_OUTPUT_LIMIT_BYTES, most.bytes),
  };
}

function beyond(field: string, message: string): AppError {
  return new AppError('INVALID_INPUT', { detail: message, errors: [{ path: `body.${field}`, message }] });
}

async function commandOf(
  deps: RunDeps,
  { session, wanted }: { session: SessionRecord; wanted: CreateRun },
  tx: Tx,
): Promise<RunCommand> {
  const folder = wanted.folder ?? '';
  const shown = {
    line: wanted.command ?? null,
    file: wanted.file ?? null,
    arguments: wanted.arguments,
    folder,
    environment: Object.keys(wanted.environment),
    stdinBytes: Buffer.byteLength(wanted.stdin),
  };
  if (wanted.file === undefined) return { ...shown, argv: ['/bin/sh', '-c', wanted.command ?? ''] };
  const path = wanted.file;
  // A file without a row may be one that is not saved; the program that is to read it will tell.
  const item = await findItemByPath(deps.database, { sessionId: session.id, path }, tx);
  if (item?.type === 'folder') throw new AppError('RUN_REFUSED', { detail: `"${path}" is a folder.` });
  const file = { path, folder, arguments: wanted.arguments, language: session.language };
  const argv = argvOfFile({ ...file, executable: item?.executable ?? false });
  if (argv === null) {
    const detail = `Nothing is known that runs "${lastName(path)}". Known are ${RUNNABLE_ENDINGS.join(' ')}, and executable files.`;
    throw new AppError('RUN_UNKNOWN_FILE', { detail });
  }
  return { ...shown, argv };
}
