import { randomUUID } from 'node:crypto';
import type { ApiDeps } from '#api/deps.ts';
import { noteRun } from '#api/commands/runs/createRun.ts';
import type { CloneRepository } from '#shared/contracts/session.ts';
import { cloneCommand, type WantedRepository } from '#shared/domain/cloneCommand.ts';
import { AppError } from '#shared/domain/errors.ts';
import { findRepositoryUrlProblem } from '#shared/domain/repositoryUrl.ts';
import { isEndedRun } from '#shared/domain/run.ts';
import type { Tx } from '#platform/db/database.ts';
import type { RunRecord } from '#platform/db/repositories/runs.ts';
import {
  findSessionRepository,
  insertSessionRepository,
  setCloneRun,
} from '#platform/db/repositories/sessionRepositories.ts';
import { lockSession, type SessionRecord } from '#platform/db/repositories/sessions.ts';

type CloneDeps = Pick<ApiDeps, 'database' | 'config'>;

/** Notes that a new session is to be cloned from a repository, in the transaction that makes it. Throws INVALID_INPUT. */
export async function cloneIntoNew(
  deps: CloneDeps,
  { session, wanted }: { session: SessionRecord; wanted: CloneRepository },
  tx: Tx,
): Promise<void> {
  const problem = findRepositoryUrlProblem(wanted.url, { local: deps.config.CLONE_LOCAL });
  if (problem !== null) {
    const errors = [{ path: 'body.repository.url', message: problem }];
    throw new AppError('INVALID_INPUT', { detail: `The address of the repository ${problem}.`, errors });
  }
  const { url, branch = null, depth = null, folder = '' } = wanted;
  const repository = { url, branch, depth, folder };
  const run = await noteClone(deps, { session, userId: session.userId, repository }, tx);
  await insertSessionRepository(deps.database, { sessionId: session.id, repository, runId: run.id }, tx);
}

/** Tries again to clone what a session was made from. Throws NOT_FOUND, RUN_LIMIT, and CLONE_REFUSED when there is nothing to try. */
export function cloneAgain(
  deps: CloneDeps,
  { session, userId }: { session: Pick<SessionRecord, 'uuid'>; userId: number },
): Promise<RunRecord> {
  const { database } = deps;
  return database.transaction(async (tx) => {
    const locked = await lockSession(database, session.uuid, tx);
    if (locked === null) throw new AppError('NOT_FOUND');
    const repository = await findSessionRepository(database, locked.id, tx);
    if (repository === null) throw refused('This session was not made from a repository.');
    const status = repository.run?.status ?? null;
    if (status === 'succeeded') throw refused('It was cloned already; git in a terminal does the rest.');
    if (status !== null && !isEndedRun(status)) throw refused('It is being cloned.');
    const run = await noteClone(deps, { session: locked, userId, repository }, tx);
    await setCloneRun(database, { sessionId: locked.id, runId: run.id }, tx);
    return run;
  });
}

function noteClone(
  deps: CloneDeps,
  { session, userId, repository }: { session: SessionRecord; userId: number; repository: WantedRepository },
  tx: Tx,
): Promise<RunRecord> {
  const { CLONE_LOCAL: local, CLONE_TIME_LIMIT_SECONDS: timeLimitSeconds, RUN_OUTPUT_LIMIT_BYTES } = deps.config;
  const command = cloneCommand(repository, { draft: randomUUID(), local });
  const input = { stdin: '', environment: {} };
  const limits = { timeLimitSeconds, outputLimitBytes: RUN_OUTPUT_LIMIT_BYTES };
  return noteRun(deps, { sessionId: session.id, requestedBy: userId, command, input, ...limits }, tx);
}

function refused(detail: string): AppError {
  return new AppError('CLONE_REFUSED', { detail });
}
