import type { ApiDeps } from '#api/deps.ts';
import { AppError } from '#shared/domain/errors.ts';
import { isLivePhase, isReachablePhase } from '#shared/domain/session.ts';
import type { CreateTerminal } from '#shared/contracts/terminal.ts';
import { touchActivity } from '#platform/db/repositories/sessionActivity.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import type { AgentClient, AgentTerminal } from '#platform/agent/AgentClient.ts';

/** The agent of a session whose phase lets it answer. Throws SESSION_NOT_OPEN, SESSION_NOT_RUNNING or AGENT_UNREACHABLE. */
export async function agentOf(
  deps: Pick<ApiDeps, 'agentPool'>,
  session: Pick<SessionRecord, 'uuid' | 'generation' | 'phase'>,
): Promise<AgentClient> {
  if (!isLivePhase(session.phase)) throw new AppError('SESSION_NOT_OPEN');
  if (!isReachablePhase(session.phase)) throw new AppError('SESSION_NOT_RUNNING');
  return deps.agentPool.get(session.uuid, session.generation);
}

/** The session's terminals, oldest first. */
export async function listTerminals(deps: ApiDeps, session: SessionRecord): Promise<AgentTerminal[]> {
  const agent = await agentOf(deps, session);
  return agent.listTerminals();
}

/** Starts a shell in a new terminal. Throws TERMINAL_LIMIT when the session has enough of them. */
export async function openTerminal(
  deps: ApiDeps,
  session: SessionRecord,
  wanted: CreateTerminal,
): Promise<AgentTerminal> {
  const agent = await agentOf(deps, session);
  const { cols, rows } = wanted;
  const terminal = await agent.openTerminal({ name: wanted.name ?? null, size: { cols, rows } });
  await touchActivity(deps.database, session.uuid);
  return terminal;
}

/** Gives a terminal another name. Throws TERMINAL_NOT_FOUND. */
export async function renameTerminal(
  deps: ApiDeps,
  session: SessionRecord,
  { id, name }: { id: string; name: string },
): Promise<AgentTerminal> {
  const agent = await agentOf(deps, session);
  await agent.renameTerminal(id, name);
  const renamed = (await agent.listTerminals()).find((terminal) => terminal.id === id);
  if (!renamed) throw new AppError('TERMINAL_NOT_FOUND');
  return renamed;
}

/** Ends a terminal and what runs in it. Throws TERMINAL_NOT_FOUND. */
export async function closeTerminal(deps: ApiDeps, session: SessionRecord, id: string): Promise<void> {
  const agent = await agentOf(deps, session);
  await agent.closeTerminal(id);
}
