import { createItem } from '#api/commands/items/createItem.ts';
import type { ItemDeps } from '#api/commands/items/itemDeps.ts';
import { saveItem } from '#api/commands/items/saveItem.ts';
import type { GitLook } from '#shared/contracts/agentGit.ts';
import { AppError } from '#shared/domain/errors.ts';
import { CreateItem } from '#shared/contracts/item.ts';
import type { AgentClient } from '#platform/agent/AgentClient.ts';
import type { ItemRecord } from '#platform/db/repositories/items.ts';
import { findItemWithContent, listItems } from '#platform/db/repositories/items.ts';
import { findSession } from '#platform/db/repositories/sessions.ts';
import { dirtyPaths } from '#platform/db/repositories/syncBase.ts';
import type { SyncDeps } from '#activities/session/syncCycle.ts';
import type { AgentGround, GroundSession } from '#tests/support/openedSession.ts';

/** A session's files on the database's side, as a person's editor changes and reads them. */
export interface Editor {
  deps: ItemDeps;
  make(session: GroundSession, name: string, content?: string): Promise<ItemRecord>;
  save(session: GroundSession, path: string, content: string): Promise<ItemRecord>;
  /** Contents by path, null for a folder. */
  files(session: GroundSession): Promise<Record<string, string | null>>;
  /** Whether every row is as the volume last agreed. */
  isClean(session: GroundSession): Promise<boolean>;
  /** Makes the one file that most sessions of a test begin with. */
  oneFile(session: GroundSession): Promise<void>;
  /** Makes files f1, f2… that each hold their own name. */
  manyFiles(session: GroundSession, count: number): Promise<void>;
}

/** An editor for the sessions of a ground. */
export function createEditor(ground: AgentGround): Editor {
  const { database, config } = ground.test;
  const deps: ItemDeps = { ...ground.deps, config };
  const editor: Editor = {
    deps,
    async make({ ref, userId }, name, content = `in ${name}\n`) {
      const session = (await findSession(database, ref.uuid))!;
      return createItem(deps, { session, userId, wanted: CreateItem.parse({ name, type: 'file', content }) });
    },
    async save({ ref, userId }, path, content) {
      const session = (await findSession(database, ref.uuid))!;
      const item = (await listItems(database, ref.sessionId)).find((one) => one.path === path)!;
      const wanted = { content, encoding: 'utf8' as const };
      return saveItem(deps, { session, userId, id: item.id, expectedVersion: item.version, wanted });
    },
    async files({ ref: { sessionId } }) {
      const entries = (await listItems(database, sessionId)).map(async ({ id, path }) => {
        const file = await findItemWithContent(database, { sessionId, id });
        return [path, file?.content ?? null] as const;
      });
      return Object.fromEntries(await Promise.all(entries));
    },
    isClean: async ({ ref }) => (await dirtyPaths(database, ref.sessionId)).length === 0,
    oneFile: async (session) => {
      await editor.make(session, 'main.py', 'print(1)\n');
    },
    manyFiles: async ({ ref: { sessionId } }, count) => {
      await database.query(
        `WITH made AS (
           INSERT INTO blobs (sha256, bytes) SELECT encode(sha256(('f' || n)::bytea), 'hex'), ('f' || n)::bytea
           FROM generate_series(1, $2) n ON CONFLICT DO NOTHING)
         INSERT INTO workspace_items (session_id, name, type, content, sha256, size)
         SELECT $1, 'f' || n, 'file', 'f' || n, encode(sha256(('f' || n)::bytea), 'hex'), length('f' || n)
         FROM generate_series(1, $2) n`,
        [sessionId, count],
      );
    },
  };
  return editor;
}

/** The ground's parts, with something happening right after each scan. */
export function afterScan(ground: AgentGround, happens: () => Promise<void>): SyncDeps {
  return interpose(ground, (client) => ({
    manifest: async (...options) => {
      const manifest = await client.manifest(...options);
      await happens();
      return manifest;
    },
  }));
}

/** The ground's parts, with something happening after a cycle has begun and before each of its scans. */
export function beforeScan(ground: AgentGround, happens: () => Promise<void>): SyncDeps {
  return interpose(ground, (client) => ({
    manifest: async (...options) => {
      await happens();
      return client.manifest(...options);
    },
  }));
}

/** The ground's parts, with an agent whose acknowledgements get lost after it did its work, or before. */
export function losingAnswers(ground: AgentGround, lost: 'before' | 'after'): SyncDeps {
  return interpose(ground, (client) => ({
    apply: async (...change) => {
      if (lost === 'after') await client.apply(...change);
      throw new AppError('AGENT_UNREACHABLE');
    },
  }));
}

function interpose(ground: AgentGround, replace: (client: AgentClient) => Partial<AgentClient>): SyncDeps {
  return {
    ...ground.deps,
    agentPool: {
      close: () => ground.agentPool.close(),
      async get(...address) {
        const client = await ground.agentPool.get(...address);
        return Object.assign(Object.create(client) as AgentClient, replace(client));
      },
    },
  };
}

type PackGit = AgentClient['packGit'];

/** The ground's parts, with something between the saving of a `.git` folder and the agent; null: an agent that cannot pack any. */
export function packingGit(
  ground: AgentGround,
  between: ((order: Parameters<PackGit>[0], take: Parameters<PackGit>[1], pack: PackGit) => ReturnType<PackGit>) | null,
): SyncDeps {
  return interpose(ground, (client) =>
    between === null
      ? { packsGit: false }
      : { packGit: (order, take) => between(order, take, (...packing) => client.packGit(...packing)) },
  );
}

/** The ground's parts, with an agent that tells something else about `.git` folders than there is. */
export function lookingAtGit(ground: AgentGround, tells: (look: GitLook) => GitLook): SyncDeps {
  return interpose(ground, (client) => ({
    lookAtGit: async (...asked) => (await client.lookAtGit(...asked)).map(tells),
  }));
}
