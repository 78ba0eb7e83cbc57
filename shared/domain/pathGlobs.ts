/** The most characters of a list of globs. */
export const MAX_GLOBS_LENGTH = 400;

/**
 * A regular expression of PostgreSQL that finds the paths that any of the globs, separated by commas, names; null when there is
 * none. `*` and `?` stay within a name, `**` crosses folders. A glob without a slash is for names at any depth, another one
 * begins at the session's root; what names a folder names all that is in it.
 */
export function globsPattern(globs: string): string | null {
  const patterns = globs
    .split(',')
    .map((glob) => glob.trim().replace(/^\.?\/+/, '/'))
    .filter((glob) => glob.replaceAll('/', '') !== '')
    .map(globPattern);
  return patterns.length === 0 ? null : `(?:${patterns.join('|')})`;
}

function globPattern(glob: string): string {
  const whole = glob.replace(/\/+$/, '');
  const start = whole.includes('/') ? '^' : '(?:^|/)';
  const body = whole
    .replace(/^\//, '')
    .replaceAll(/\*\*\/|\*\*|[*?]|[.+^${}()|[\]\\]/g, (part) => WILDCARDS[part] ?? `\\${part}`);
  return `${start}${body}(?:/|$)`;
}

const WILDCARDS: Readonly<Record<string, string>> = {
  '**/': '(?:.*/)?',
  '**': '.*',
  '*': '[^/]*',
  '?': '[^/]',
};
