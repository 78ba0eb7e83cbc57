import { listGitFolders, type GitFolderRecord } from '#platform/db/repositories/gitFolders.ts';
import { readGitPack } from '#platform/db/repositories/gitPacks.ts';
import { digest, emptyWorkspace } from '#tests/support/agentChanges.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { createEditor, type Editor } from '#tests/support/editor.ts';
import { createAgentGround, type AgentGround, type GroundSession } from '#tests/support/openedSession.ts';
import { Repository } from '#tests/support/repository.ts';

/** One session whose `.git` folders are saved as soon as they can be, for many tests one after the other. */
export interface GitGround {
  test: TestDatabase;
  ground: AgentGround;
  editor: Editor;
  session: GroundSession;
  /** Empties the session and its volume, and makes a repository at the path (the root when empty). */
  begin(path?: string): Promise<Repository>;
  /** The saved `.git` folders with those that were removed. */
  all(): Promise<GitFolderRecord[]>;
  saved(): Promise<GitFolderRecord[]>;
  /** The digest of the bytes that are stored for a folder. */
  storedDigest(folder: GitFolderRecord): Promise<string>;
  close(): Promise<void>;
}

/** Starts it. */
export async function createGitGround(): Promise<GitGround> {
  const test = await createTestDatabase({ GIT_QUIET_SECONDS: '0' });
  const ground = await createAgentGround(test);
  const session = await ground.open();
  const { sessionId } = session.ref;
  const all = (): Promise<GitFolderRecord[]> => listGitFolders(test.database, sessionId);
  return {
    test,
    ground,
    editor: createEditor(ground),
    session,
    async begin(path = '') {
      for (const table of ['workspace_items', 'git_folders', 'git_packs']) {
        await test.database.query(`DELETE FROM ${table} WHERE session_id = $1`, [sessionId]);
      }
      for (const table of ['sync_base', 'sent_changes']) {
        await test.database.query(`DELETE FROM ${table} WHERE volume_id = $1`, [session.volumeId]);
      }
      await test.database.query(`DELETE FROM events WHERE subject_id = $1`, [sessionId]);
      await test.database.query(`UPDATE sessions SET generation = 1 WHERE id = $1`, [sessionId]);
      await test.database.query(`UPDATE volumes SET state = 'live' WHERE session_id = $1`, [sessionId]);
      emptyWorkspace(session.workspace.root);
      session.workspace.write('.berth-volume', JSON.stringify({ volumeId: session.volumeId }));
      return Repository.init(session.workspace.root, path);
    },
    all,
    saved: async () => (await all()).filter(({ removedAt }) => removedAt === null),
    async storedDigest({ packId }) {
      const parts: Buffer[] = [];
      for await (const part of readGitPack(test.database, packId)) parts.push(part);
      return digest(Buffer.concat(parts));
    },
    async close() {
      await ground.close();
      await test.drop();
    },
  };
}
