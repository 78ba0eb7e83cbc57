import { sessionLimits } from '#shared/domain/limits.ts';
import { sameEntry } from '#shared/domain/mergeEntry.ts';
import { comparePaths, isInsideLink } from '#shared/domain/paths.ts';
import type { AgentClient } from '#platform/agent/AgentClient.ts';
import { encodingOf, type FileContent } from '#platform/db/content.ts';
import type { Database } from '#platform/db/database.ts';
import { storeBlobs } from '#platform/db/repositories/blobs.ts';
import type { PodTree } from '#activities/session/podTree.ts';
import type { Cycle, SyncDeps } from '#activities/session/syncCycle.ts';

const BATCH_BYTES = 512 * 1024;

/** How the bytes that were read are kept in a row, by digest. */
export type ReadEncodings = Map<string, FileContent['encoding']>;

/**
 * Reads what the volume has new and stores the bytes, before any lock is taken. The tree is corrected to what was really
 * read; what could not be read whole is marked as changing.
 */
export async function readNews(
  { database, config }: Pick<SyncDeps, 'database' | 'config'>,
  { client, cycle, tree }: { client: AgentClient; cycle: Cycle; tree: PodTree },
): Promise<ReadEncodings> {
  const encodings: ReadEncodings = new Map();
  const wanted = new Set(findNews(cycle, tree));
  if (wanted.size === 0) return encodings;
  const store = new BlobStore(database);
  for await (const file of client.read([...wanted])) {
    if (!wanted.delete(file.path)) continue;
    const bytes = Buffer.from(file.bytes.buffer, file.bytes.byteOffset, file.bytes.byteLength);
    const content: FileContent = {
      bytes,
      sha256: file.sha256,
      size: bytes.byteLength,
      encoding: file.type === 'symlink' ? 'symlink' : encodingOf(bytes),
    };
    const reason = findRefusal(file.path, content, sessionLimits(config).maxFileBytes);
    if (reason !== null) {
      tree.entries.delete(file.path);
      tree.notSaved.push({ path: file.path, reason });
      continue;
    }
    const executable = file.type === 'file' && file.executable;
    tree.entries.set(file.path, { type: file.type, sha256: content.sha256, executable, size: content.size });
    encodings.set(contentKey(file.type, content.sha256), content.encoding);
    await store.add(content);
  }
  await store.end();
  for (const path of wanted) {
    tree.entries.delete(path);
    tree.changing.add(path);
  }
  tree.notSaved.sort((left, right) => comparePaths(left.path, right.path));
  return encodings;
}

/** Stores bytes in batches, one while the next one is read: the session's processor and the database's work at once. */
class BlobStore {
  #database: Database;
  #batch: FileContent[] = [];
  #bytes = 0;
  #storing: Promise<void> = Promise.resolve();

  constructor(database: Database) {
    this.#database = database;
  }

  async add(content: FileContent): Promise<void> {
    this.#batch.push(content);
    this.#bytes += content.size;
    if (this.#bytes >= BATCH_BYTES) await this.#flush();
  }

  /** Resolves once all is stored. */
  async end(): Promise<void> {
    await this.#flush();
    await this.#storing;
  }

  async #flush(): Promise<void> {
    await this.#storing;
    this.#storing = storeBlobs(this.#database, this.#batch);
    // Its failure is met by the next batch or the end; a reading that fails first must not leave it unhandled.
    this.#storing.catch(() => undefined);
    this.#batch = [];
    this.#bytes = 0;
  }
}

/** The key of an encoding: a symlink and a file may have the same bytes. */
export function contentKey(type: 'file' | 'symlink' | 'folder', sha256: string | null): string {
  return `${type}:${sha256}`;
}

function findNews({ rows, base }: Cycle, tree: PodTree): string[] {
  const news: string[] = [];
  for (const [path, entry] of tree.entries) {
    if (entry.type === 'folder') continue;
    const row = rows.get(path) ?? null;
    // A change of the executable bit alone needs the bytes' encoding too, so it is read like any other.
    if (!sameEntry(row, entry) && !sameEntry(base.get(path) ?? null, entry)) news.push(path);
  }
  return news;
}

function findRefusal(path: string, content: FileContent, maxFileBytes: number): string | null {
  if (content.size > maxFileBytes) return 'too-large';
  if (content.encoding !== 'symlink') return null;
  const target = content.bytes.toString('utf8');
  return Buffer.from(target, 'utf8').equals(content.bytes) && isInsideLink(path, target) ? null : 'outside-link';
}
