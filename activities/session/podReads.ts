import { sessionLimits } from '#shared/domain/limits.ts';
import { sameEntry } from '#shared/domain/mergeEntry.ts';
import { comparePaths, isInsideLink } from '#shared/domain/paths.ts';
import type { AgentClient } from '#platform/agent/AgentClient.ts';
import { describeFile, describeSymlink, type FileContent } from '#platform/db/content.ts';
import { storeBlobs } from '#platform/db/repositories/blobs.ts';
import type { PodTree } from '#activities/session/podTree.ts';
import type { Cycle, SyncDeps } from '#activities/session/syncCycle.ts';

const BATCH_BYTES = 8 * 1024 * 1024;

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
  let batch: FileContent[] = [];
  let batchBytes = 0;
  for await (const file of client.read([...wanted])) {
    if (!wanted.delete(file.path)) continue;
    const bytes = Buffer.from(file.bytes.buffer, file.bytes.byteOffset, file.bytes.byteLength);
    const content = file.type === 'symlink' ? describeSymlink(bytes) : describeFile(bytes);
    const reason = findRefusal(file.path, content, sessionLimits(config).maxFileBytes);
    if (reason !== null) {
      tree.entries.delete(file.path);
      tree.notSaved.push({ path: file.path, reason });
      continue;
    }
    const executable = file.type === 'file' && file.executable;
    tree.entries.set(file.path, { type: file.type, sha256: content.sha256, executable, size: content.size });
    encodings.set(contentKey(file.type, content.sha256), content.encoding);
    batch.push(content);
    batchBytes += content.size;
    if (batchBytes >= BATCH_BYTES) {
      await storeBlobs(database, batch);
      batch = [];
      batchBytes = 0;
    }
  }
  await storeBlobs(database, batch);
  for (const path of wanted) {
    tree.entries.delete(path);
    tree.changing.add(path);
  }
  tree.notSaved.sort((left, right) => comparePaths(left.path, right.path));
  return encodings;
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
