import type { Config } from '#platform/config/config.ts';
import type { AgentChange, AgentClient, ApplyOptions } from '#platform/agent/AgentClient.ts';
import type { Database } from '#platform/db/database.ts';
import type { SyncDeps } from '#activities/session/syncCycle.ts';

/** At which of its side effects a process dies: before it, after it, or in its middle. */
export interface Death {
  /** Counts from 1; a process that does not get so far lives. */
  step: number;
  when: 'before' | 'middle' | 'after';
}

/** What a process that has died answers with. */
export class Died extends Error {
  constructor() {
    super('The process has died.');
    this.name = 'Died';
  }
}

/** The parts of a process that dies, and how many side effects it came to. */
export interface DyingProcess {
  deps: SyncDeps & { config: Config };
  steps(): number;
}

/**
 * The parts of a process that dies at a side effect: a statement or transaction of its own, a scan, a batch of changes for
 * the volume. A transaction dies in its middle by being rolled back, a batch with half of it carried out. Whatever else
 * such a process had under way fails from then on.
 */
export function dyingProcess(deps: SyncDeps & { config: Config }, death: Death | null): DyingProcess {
  let steps = 0;
  let isDead = false;
  const live = (): void => {
    if (isDead) throw new Died();
  };
  const effect = async <T>(work: () => Promise<T>, half: () => Promise<unknown>): Promise<T> => {
    live();
    steps += 1;
    const dies = steps === death?.step ? death.when : null;
    if (dies !== null && dies !== 'after') {
      isDead = true;
      if (dies === 'middle') await half().catch(() => undefined);
      throw new Died();
    }
    const result = await work();
    if (dies === 'after') isDead = true;
    live();
    return result;
  };
  const { database, agentPool } = deps;
  const dyingDatabase: Database = {
    sequelize: database.sequelize,
    connections: database.connections,
    close: () => database.close(),
    query: async (sql, bind, tx) => {
      if (tx) return database.query(sql, bind, tx);
      return effect(
        () => database.query(sql, bind),
        () => Promise.resolve(),
      );
    },
    transaction: (work) =>
      effect(
        () => database.transaction(work),
        () =>
          database.transaction(async (tx) => {
            await work(tx);
            throw new Died();
          }),
      ),
  };
  const dyingClient = (client: AgentClient): AgentClient =>
    Object.assign(Object.create(client) as AgentClient, {
      manifest: (options: Parameters<AgentClient['manifest']>[0]) =>
        effect(
          () => client.manifest(options),
          () => client.manifest(options),
        ),
      apply: (changes: AgentChange[], options: ApplyOptions) =>
        effect(
          () => client.apply(changes, options),
          () => client.apply(changes.slice(0, Math.ceil(changes.length / 2)), options),
        ),
      read: (paths: string[]) => {
        live();
        return client.read(paths);
      },
    });
  return {
    deps: {
      ...deps,
      database: dyingDatabase,
      agentPool: {
        close: () => agentPool.close(),
        get: async (...address) => {
          live();
          return dyingClient(await agentPool.get(...address));
        },
      },
    },
    steps: () => steps,
  };
}

/** Lets work of a dying process run to its end or its death; true when it lived. */
export async function untilDeath(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (causedByDeath(error)) return false;
    throw error;
  }
}

function causedByDeath(error: unknown): boolean {
  return error instanceof Died || (error instanceof Error && error.cause !== undefined && causedByDeath(error.cause));
}
