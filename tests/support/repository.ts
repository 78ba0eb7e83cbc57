import { execFileSync } from 'node:child_process';
import { existsSync, lchownSync, lstatSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ENVIRONMENT = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
};

const OPTIONS = ['-c', 'safe.directory=*', '-c', 'gc.auto=0'];

/** A repository on a volume, worked on by the system's git as a person in a terminal would. */
export class Repository {
  readonly #volume: string;
  readonly #root: string;

  /** `path` is relative to the volume's files; empty for its root. */
  constructor(volume: string, path = '') {
    this.#volume = volume;
    this.#root = join(volume, path);
  }

  /** Makes it, with a commit of one file on `main`. */
  static init(volume: string, path = ''): Repository {
    const repository = new Repository(volume, path);
    mkdirSync(repository.#root, { recursive: true });
    repository.git('init', '--quiet', '--initial-branch=main');
    // As the home folder of a session does for every repository.
    repository.write('.git/info/exclude', '.berth-*\n');
    repository.commit('main.py', 'print(1)\n');
    return repository;
  }

  /** Runs git; resolves with what it printed. Throws when it fails. */
  git(...words: string[]): string {
    return this.#run('git', [...OPTIONS, ...words]);
  }

  /** Writes a file and commits it. */
  commit(name: string, content: string): void {
    this.write(name, content);
    this.git('add', '--all');
    this.git('commit', '--quiet', '--message', `Change ${name}`);
  }

  write(name: string, content: string, mode = 0o644): void {
    mkdirSync(dirname(this.at(name)), { recursive: true });
    writeFileSync(this.at(name), content, { mode });
    this.#own(this.#volume);
  }

  at(name: string): string {
    return join(this.#root, name);
  }

  get exists(): boolean {
    return existsSync(this.at('.git'));
  }

  /** All that a person would look at to see whether a repository is the same, sound and as clean. */
  describe(): string {
    const asked = [
      'fsck --full --strict --no-progress',
      'status --porcelain --branch',
      'log --all --format="%H %D %s"',
      'for-each-ref',
      'reflog --format="%H %gs"',
      'stash list',
      'config --local --list',
      'diff HEAD',
      'diff --cached',
    ];
    return this.#run('sh', [
      '-ec',
      asked.map((words) => `echo '${words}'; git ${OPTIONS.join(' ')} ${words}`).join('\n'),
    ]);
  }

  #run(program: string, words: string[]): string {
    const stdio = ['ignore' as const, 'pipe' as const, 'pipe' as const];
    try {
      return execFileSync(program, words, { cwd: this.#root, env: ENVIRONMENT, encoding: 'utf8', stdio });
    } finally {
      this.#own(this.#volume);
    }
  }

  /** As root the programs of a session are another user. */
  #own(path: string): void {
    const { uid, gid } = statSync(this.#volume);
    if (process.getuid?.() !== 0) return;
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const inner = join(path, entry.name);
      // It would count as a change of what belongs to them already.
      if (lstatSync(inner).uid !== uid) lchownSync(inner, uid, gid);
      if (entry.isDirectory()) this.#own(inner);
    }
  }
}
