import type { Logger } from 'pino';
import { AppError, isAppError } from '#shared/domain/errors.ts';
import type { AgentClient, AgentPool } from '#platform/agent/AgentClient.ts';
import { agentKey } from '#platform/agent/agentKey.ts';
import { connectAgent } from '#platform/agent/connectAgent.ts';
import type { Runtime } from '#platform/runtime/Runtime.ts';

const DEFAULT_DEADLINE_MS = 5_000;
const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 500;

/** What a pool works with: where agents are reached, the master secret, and a log. */
export interface AgentPoolOptions {
  runtime: Pick<Runtime, 'connect'>;
  secret: string;
  log: Logger;
}

interface Address {
  uuid: string;
  generation: number;
}

/** Shares one stream per session and generation among all users in this process. */
export function createAgentPool(options: AgentPoolOptions): AgentPool {
  const clients = new Map<string, Promise<AgentClient>>();
  let closed = false;

  function share(address: Address, deadline: number): Promise<AgentClient> {
    const key = `${address.uuid}/${address.generation}`;
    const present = clients.get(key);
    if (present !== undefined) return present;
    const made = connectUntil(options, address, deadline);
    clients.set(key, made);
    const forget = (): void => {
      if (clients.get(key) === made) clients.delete(key);
    };
    made.then((client) => client.ended.then(forget), forget);
    return made;
  }

  return {
    async get(uuid, generation, deadlineMs = DEFAULT_DEADLINE_MS) {
      if (closed) throw new AppError('AGENT_UNREACHABLE', { detail: 'This process is shutting down.' });
      const deadline = Date.now() + deadlineMs;
      for (;;) {
        try {
          const client = await inTime(share({ uuid, generation }, deadline), deadline);
          if (!client.closed) return client;
        } catch (error) {
          // The shared attempt may have had the shorter deadline of somebody else.
          if (!isAppError(error, 'AGENT_UNREACHABLE') || Date.now() + FIRST_PAUSE_MS >= deadline) throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS));
      }
    },
    async close() {
      closed = true;
      const all = await Promise.allSettled(clients.values());
      for (const result of all) if (result.status === 'fulfilled') result.value.close();
      clients.clear();
    },
  };
}

/** Tries until the deadline: a pod that has just started may not listen yet. */
async function connectUntil(options: AgentPoolOptions, address: Address, deadline: number): Promise<AgentClient> {
  const { uuid, generation } = address;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      const stream = await options.runtime.connect(uuid, generation);
      const deadlineMs = Math.max(100, deadline - Date.now());
      return await connectAgent({ stream, key: agentKey(options.secret, address), generation, deadlineMs });
    } catch (error) {
      if (!isAppError(error, 'AGENT_UNREACHABLE') || Date.now() + pause >= deadline) throw error;
      options.log.debug({ uuid, generation, reason: error.detail }, 'agent not reached yet');
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

async function inTime(client: Promise<AgentClient>, deadline: number): Promise<AgentClient> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => {
        reject(new AppError('AGENT_UNREACHABLE', { detail: 'The session did not answer in time.' }));
      },
      Math.max(0, deadline - Date.now()),
    );
  });
  try {
    return await Promise.race([client, late]);
  } finally {
    clearTimeout(timer);
  }
}
