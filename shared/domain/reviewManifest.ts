/** What a snapshot's manifest says about one path. `sha256` is null for a folder. */
export interface ManifestEntry {
  path: string;
  type: 'file' | 'folder' | 'symlink';
  executable: boolean;
  sha256: string | null;
}

/**
 * The text whose SHA-256 names a snapshot: one JSON line a path, sorted by the paths' UTF-16 code units. JSON keeps a path
 * with a line break or a quote from posing as two entries.
 */
export function manifestText(entries: readonly ManifestEntry[]): string {
  return [...entries]
    .sort((left, right) => (left.path < right.path ? -1 : left.path > right.path ? 1 : 0))
    .map((entry) => `${JSON.stringify([entry.path, entry.type, entry.executable, entry.sha256])}\n`)
    .join('');
}
