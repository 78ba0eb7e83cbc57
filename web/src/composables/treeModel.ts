/** Something with a place in a tree of files. `path` is relative to the root and has no leading slash. */
export interface TreeEntry {
  path: string;
  name: string;
  type: 'file' | 'folder';
}

/** A row of the tree as it is shown, with what a screen reader must know of its place. */
export interface TreeRow<Entry extends TreeEntry = TreeEntry> {
  entry: Entry;
  /** 1 for the top level. */
  level: number;
  position: number;
  setSize: number;
  expanded: boolean;
}

/** What a key means for a tree. */
export type TreeMove =
  | { kind: 'focus'; path: string }
  | { kind: 'expand'; path: string }
  | { kind: 'collapse'; path: string }
  | { kind: 'open'; path: string };

const NAMES = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** The path of the folder that holds `path`; the empty string is the root. */
export function parentPath(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** The folders above `path`, outermost first. */
export function ancestorPaths(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(0, -1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** The rows to show: folders before files, names in natural order, only what lies in expanded folders. */
export function visibleRows<Entry extends TreeEntry>(
  entries: readonly Entry[],
  expanded: ReadonlySet<string>,
): TreeRow<Entry>[] {
  const children = Map.groupBy(entries, (entry) => parentPath(entry.path));
  const rows: TreeRow<Entry>[] = [];
  const add = (folder: string, level: number): void => {
    const siblings = (children.get(folder) ?? []).toSorted(inOrder);
    siblings.forEach((entry, index) => {
      const isExpanded = entry.type === 'folder' && expanded.has(entry.path);
      rows.push({ entry, level, position: index + 1, setSize: siblings.length, expanded: isExpanded });
      if (isExpanded) add(entry.path, level + 1);
    });
  };
  add('', 1);
  return rows;
}

/** What a key does on the focused row, after the ARIA pattern for trees; null when it means nothing. */
export function moveByKey(rows: readonly TreeRow[], focused: string, key: string): TreeMove | null {
  const index = rows.findIndex((row) => row.entry.path === focused);
  const row = rows[index];
  if (!row) return focusAt(rows, 0);
  switch (key) {
    case 'ArrowDown':
      return focusAt(rows, index + 1);
    case 'ArrowUp':
      return focusAt(rows, index - 1);
    case 'Home':
      return focusAt(rows, 0);
    case 'End':
      return focusAt(rows, rows.length - 1);
    case 'ArrowRight':
      return goIn(rows, index);
    case 'ArrowLeft':
      return goOut(row);
    case 'Enter':
    case ' ':
      return toggleOrOpen(row);
    default:
      return null;
  }
}

/** The next row, after the focused one and round again, whose name begins with what was typed; null when none does. */
export function findByTyping(rows: readonly TreeRow[], focused: string, typed: string): string | null {
  const start = rows.findIndex((row) => row.entry.path === focused);
  const offset = typed.length > 1 ? 0 : 1;
  for (let step = 0; step < rows.length; step += 1) {
    const row = rows[(start + offset + step + rows.length) % rows.length];
    if (row?.entry.name.toLowerCase().startsWith(typed.toLowerCase())) return row.entry.path;
  }
  return null;
}

/** Why a name cannot be given in this folder; null when it can. The api checks again. */
export function nameProblem(name: string, siblings: readonly string[]): string | null {
  if (name.trim() === '') return 'Give it a name';
  if (name.includes('/') || name.includes('\0')) return 'A name has no /';
  if (name === '.' || name === '..') return 'This name is taken by the system';
  if (new TextEncoder().encode(name).length > 255) return 'The name is too long';
  return siblings.includes(name) ? 'The name is taken in this folder' : null;
}

function inOrder(left: TreeEntry, right: TreeEntry): number {
  if (left.type !== right.type) return left.type === 'folder' ? -1 : 1;
  return NAMES.compare(left.name, right.name) || (left.name < right.name ? -1 : 1);
}

function focusAt(rows: readonly TreeRow[], index: number): TreeMove | null {
  const row = rows[index];
  return row ? { kind: 'focus', path: row.entry.path } : null;
}

function goIn(rows: readonly TreeRow[], index: number): TreeMove | null {
  const row = rows[index];
  if (row?.entry.type !== 'folder') return null;
  if (!row.expanded) return { kind: 'expand', path: row.entry.path };
  const child = rows[index + 1];
  return child && child.level > row.level ? { kind: 'focus', path: child.entry.path } : null;
}

function goOut(row: TreeRow): TreeMove | null {
  if (row.expanded) return { kind: 'collapse', path: row.entry.path };
  const parent = parentPath(row.entry.path);
  return parent === '' ? null : { kind: 'focus', path: parent };
}

function toggleOrOpen(row: TreeRow): TreeMove {
  if (row.entry.type === 'file') return { kind: 'open', path: row.entry.path };
  return { kind: row.expanded ? 'collapse' : 'expand', path: row.entry.path };
}
