import { UNPACKING_PREFIX } from '#shared/domain/gitFolders.ts';
import type { RunCommand } from '#shared/domain/runCommand.ts';

/** A repository that a session is made from. */
export interface WantedRepository {
  url: string;
  /** Null: the repository's own first branch. */
  branch: string | null;
  /** So many commits of its history; null for all. */
  depth: number | null;
  /** Relative to the session's root; empty for the root itself. */
  folder: string;
}

/**
 * Clones into a draft folder, which the scan and the agent's next start know, and then puts it in place: a try that was
 * killed leaves nothing that holds up the next one. In the root, files that are there are kept, or the clone is refused.
 */
const SCRIPT = `url=$1 branch=$2 depth=$3 folder=$4 draft=$5
export GIT_TERMINAL_PROMPT=0 GIT_ASKPASS=true GIT_ALLOW_PROTOCOL=$6
set -- clone --origin origin
[ -z "$branch" ] || set -- "$@" --branch="$branch"
[ "$depth" = 0 ] || set -- "$@" --depth="$depth"
trap 'rm -rf "$draft"' EXIT
if [ -n "$folder" ]; then
  if [ -e "$folder" ]; then echo "fatal: there is something at $folder already" >&2; exit 1; fi
  git "$@" -- "$url" "$draft" || exit
  mkdir -p "$(dirname "./$folder")" && mv -T "$draft" "./$folder"
  exit
fi
if [ -e .git ]; then echo 'fatal: there is a repository in the session already' >&2; exit 1; fi
git "$@" --no-checkout -- "$url" "$draft" || exit
mv "$draft/.git" .git || exit
git rev-parse --quiet --verify HEAD > /dev/null || exit 0
git read-tree -m -u HEAD && exit
rm -rf .git
exit 1`;

/** The run that clones a repository. `draft` is a uuid of its own; `local` allows plain http, for tests. */
export function cloneCommand(repository: WantedRepository, options: { draft: string; local: boolean }): RunCommand {
  const { url, branch, depth, folder } = repository;
  const protocols = options.local ? 'https:http' : 'https';
  const given = [url, branch ?? '', String(depth ?? 0), folder, `${UNPACKING_PREFIX}${options.draft}`, protocols];
  const words = ['git clone', ...(branch === null ? [] : [`--branch=${branch}`])];
  if (depth !== null) words.push(`--depth=${depth}`);
  return {
    line: [...words, url, ...(folder === '' ? [] : [folder])].join(' '),
    file: null,
    arguments: [],
    argv: ['/bin/sh', '-c', SCRIPT, 'clone', ...given],
    folder: '',
    environment: [],
    stdinBytes: 0,
  };
}
