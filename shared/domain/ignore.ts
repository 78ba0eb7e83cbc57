import createIgnore from 'ignore';

/** Folders that are not saved wherever they are, unless a path has a row already. */
export const DEFAULT_IGNORED_NAMES = [
  'node_modules',
  '__pycache__',
  '.venv',
  '.cache',
  'dist',
  'build',
  'target',
  'lost+found',
] as const;

const DEFAULT_IGNORED: ReadonlySet<string> = new Set(DEFAULT_IGNORED_NAMES);

/** Judges paths that have no row. */
export interface IgnoreRules {
  /** True when the path is not to be saved. A folder that is ignored is not looked into. */
  ignores(path: string, type: 'file' | 'folder' | 'symlink'): boolean;
}

/** The default rules, then those of the session's `.berthignore` (gitignore syntax), which may take a default back with `!`. */
export function createIgnoreRules(berthignore: string): IgnoreRules {
  // The slash keeps a file that a person calls `build` out of it.
  const rules = createIgnore()
    .add(DEFAULT_IGNORED_NAMES.map((name) => `${name}/`))
    .add(berthignore);
  return {
    ignores: (path, type) => rules.ignores(type === 'folder' ? `${path}/` : path),
  };
}

/** True when the path or a folder above it has a name that is ignored by default: nobody needs to be asked about it. */
export function isIgnoredByDefault(path: string): boolean {
  return path.split('/').some((name) => DEFAULT_IGNORED.has(name));
}
