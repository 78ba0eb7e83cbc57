import { setTimeout as pause } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { isAppError, type AppError } from '#shared/domain/errors.ts';
import { isEndedRun, judgeProgramEnd, type RunEnd, type RunLimit } from '#shared/domain/run.ts';
import { isLivePhase } from '#shared/domain/session.ts';
import type { AgentClient, AgentRun } from '#platform/agent/AgentClient.ts';
import {
  bindRun,
  endRun,
  findRunById,
  readRunInput,
  type RunEnding,
  type RunRecord,
} from '#platform/db/repositories/runs.ts';
import { findSessionById } from '#platform/db/repositories/sessions.ts';
import { orCancelled } from '#activities/orCancelled.ts';
import type { ActivityDeps } from '#activities/session/deps.ts';

type ExecuteDeps = Pick<ActivityDeps, 'database' | 'agentPool' | 'log'>;

const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 2_000;
/** How long an agent may take to answer before a run that was not started is given up. */
const UNSTARTED_PATIENCE_MS = 60_000;
/** How long after its latest possible end a run is looked for. */
const STARTED_PATIENCE_MS = 300_000;

/**
 * Starts a run and waits for its end and its receipt. The row is bound to the present life of the agent before anything is
 * started, and the agent starts an id once: another attempt finds the run again, or finds that the agent has begun anew, and
 * then nobody can say what became of it. Nothing is ever started twice.
 */
export async function executeRun(deps: ExecuteDeps, runId: number): Promise<{ status: RunEnd }> {
  const { cancellationSignal } = Context.current();
  const began = Date.now();
  for (let wait = FIRST_RETRY_MS; ; wait = Math.min(wait * 2, LAST_RETRY_MS)) {
    const run = await findRunById(deps.database, runId);
    if (run === null) return { status: 'lost' };
    if (isEndedRun(run.status)) return { status: run.status };
    const hopeless = await whyHopeless(deps, run, began);
    if (hopeless !== null) return finish(deps, run, unknownEnd(run, hopeless));
    const status = await tryOnce(deps, run);
    if (status !== null) return { status };
    await pause(wait, undefined, { signal: cancellationSignal });
  }
}

/** Why nothing is to be expected of the run's session any more; null while there is hope. */
async function whyHopeless({ database }: ExecuteDeps, run: RunRecord, began: number): Promise<string | null> {
  const session = await findSessionById(database, run.sessionId);
  if (session === null || session.deletedAt !== null) return 'The session was deleted.';
  if (run.generation !== null && session.generation !== run.generation) return 'The session was opened anew meanwhile.';
  if (!isLivePhase(session.phase)) return 'The session was closed meanwhile.';
  const patience =
    run.startedAt === null
      ? began + UNSTARTED_PATIENCE_MS
      : run.startedAt.getTime() + run.timeLimitSeconds * 1_000 + STARTED_PATIENCE_MS;
  return Date.now() > patience ? 'The session did not answer.' : null;
}

/** A run that was not started has failed; of one that may have been nothing is known. */
function unknownEnd(run: RunRecord, reason: string): RunEnding {
  return { status: run.bootId === null ? 'failed' : 'lost', reason, program: null };
}

/** The status once the run has ended; null when the agent cannot be reached now. */
async function tryOnce(deps: ExecuteDeps, run: RunRecord): Promise<RunEnd | null> {
  try {
    const session = await findSessionById(deps.database, run.sessionId);
    const generation = session?.generation ?? 0;
    const agent = await deps.agentPool.get(run.sessionUuid, generation);
    return await execute(deps, { run, agent, generation });
  } catch (error) {
    if (isAppError(error, 'AGENT_UNREACHABLE') || isAppError(error, 'STALE_GENERATION')) return null;
    throw error;
  }
}

async function execute(
  deps: ExecuteDeps,
  { run, agent, generation }: { run: RunRecord; agent: AgentClient; generation: number },
): Promise<RunEnd> {
  const { database } = deps;
  const bound = await bindRun(database, { id: run.id, generation, bootId: agent.bootId });
  if (bound === null) return (await finish(deps, run, unknownEnd(run, 'The run was removed.'))).status;
  if (bound.bootId === null)
    return (await finish(deps, bound, { status: 'cancelled', reason: null, program: null })).status;
  if (bound.bootId !== agent.bootId) {
    const reason = "The session's programs were started again meanwhile, and this one ended with them.";
    return (await finish(deps, bound, unknownEnd(bound, reason))).status;
  }
  const ending = await runToEnd(deps, bound, agent);
  const { status } = await finish(deps, bound, ending);
  await letGo(deps, bound, agent);
  return status;
}

/** Starts the run unless the agent has it, and waits for it. */
async function runToEnd(deps: ExecuteDeps, run: RunRecord, agent: AgentClient): Promise<RunEnding> {
  const id = String(run.id);
  const { argv, folder } = run.command;
  const input = await readRunInput(deps.database, run.id);
  const { stdin, environment } = input ?? { stdin: '', environment: {} };
  const limits = { timeLimitMs: run.timeLimitSeconds * 1_000, outputLimitBytes: run.outputLimitBytes };
  try {
    await agent.runs.start({ id, argv, folder, environment, stdin: Buffer.from(stdin), ...limits });
    // When this worker ends first, another attempt finds the run again.
    const end = await orCancelled(agent.runs.wait(id));
    return { ...judgeProgramEnd(end), program: await fetchProgram(agent, end) };
  } catch (error) {
    const refusal = asRefusal(error);
    if (refusal === null) throw error;
    const status = refusal.code === 'RUN_NOT_FOUND' ? 'lost' : 'failed';
    return { status, reason: refusal.message, program: null };
  }
}

/** What the agent says about the run itself, and would say again. */
function asRefusal(error: unknown): AppError | null {
  const codes = ['RUN_REFUSED', 'RUN_LIMIT', 'RUN_NOT_FOUND', 'SESSION_NOT_RUNNING'] as const;
  return isAppError(error) && codes.some((code) => error.code === code) ? error : null;
}

async function fetchProgram(agent: AgentClient, end: AgentRun): Promise<NonNullable<RunEnding['program']>> {
  const pieces = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  for await (const part of agent.runs.follow(end.id, { stdout: 0, stderr: 0 })) {
    if (!('ended' in part)) pieces[part.stream].push(part.bytes);
  }
  const output = (stream: 'stdout' | 'stderr') => {
    const kept = Buffer.concat(pieces[stream]);
    return { bytes: Math.max(end[stream].bytes, kept.byteLength), kept };
  };
  const [stdout, stderr] = [output('stdout'), output('stderr')];
  const isCut = [stdout, stderr].some(({ bytes, kept }) => bytes > kept.byteLength);
  const limitsHit: RunLimit[] = [
    ...(end.stopped === 'time' ? ['time' as const] : []),
    ...(isCut ? ['output' as const] : []),
  ];
  const { exitCode, signal, durationMs } = end;
  return { exitCode, signal, durationMs, limitsHit, stdout, stderr };
}

async function finish(deps: ExecuteDeps, run: RunRecord, ending: RunEnding): Promise<{ status: RunEnd }> {
  const ended = (await endRun(deps.database, run.id, ending)) ?? (await findRunById(deps.database, run.id));
  return { status: ended !== null && isEndedRun(ended.status) ? ended.status : ending.status };
}

/** The receipt is written: what the agent holds of it may go. If it is not told, it lets the oldest go by itself. */
async function letGo(deps: ExecuteDeps, run: RunRecord, agent: AgentClient): Promise<void> {
  try {
    await agent.runs.forget(String(run.id));
  } catch (error) {
    deps.log.debug({ err: error, run: run.id }, 'the agent was not told that a run is recorded');
  }
}
