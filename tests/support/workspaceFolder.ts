import {
  chmodSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Edit } from '#tests/support/mergeSimulation.ts';

/** A session's volume from outside: edits it as a program of the session would, with that program's user. */
export class WorkspaceFolder {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  write(path: string, content: string | Buffer, executable = false): void {
    this.mkdir(dirname(path));
    writeFileSync(this.#at(path), content);
    chmodSync(this.#at(path), executable ? 0o755 : 0o644);
    this.#own(path);
  }

  mkdir(path: string): void {
    if (path === '.' || path === '') return;
    const missing: string[] = [];
    for (let folder = path; folder !== '.' && !existsSync(this.#at(folder)); folder = dirname(folder))
      missing.unshift(folder);
    for (const folder of missing) {
      mkdirSync(this.#at(folder));
      this.#own(folder);
    }
  }

  link(path: string, target: string): void {
    this.mkdir(dirname(path));
    if (lstatSync(this.#at(path), { throwIfNoEntry: false }) !== undefined) unlinkSync(this.#at(path));
    symlinkSync(target, this.#at(path));
    this.#own(path);
  }

  remove(path: string): void {
    // Of a path through a link to itself rmSync tells without a code; this tells it with one.
    if (lstatSync(this.#at(path), { throwIfNoEntry: false }) === undefined) return;
    rmSync(this.#at(path), { recursive: true, force: true });
  }

  rename(path: string, to: string): void {
    renameSync(this.#at(path), this.#at(to));
  }

  read(path: string): string {
    return readFileSync(this.#at(path), 'utf8');
  }

  has(path: string): boolean {
    return existsSync(this.#at(path));
  }

  isExecutable(path: string): boolean {
    return (statSync(this.#at(path)).mode & 0o100) !== 0;
  }

  /** All paths but Berth's own, sorted; folders end in a slash. */
  list(): string[] {
    return this.#listBelow('').sort();
  }

  // readdir's own recursion goes through links to folders.
  #listBelow(folder: string): string[] {
    return readdirSync(this.#at(folder), { withFileTypes: true }).flatMap((entry) => {
      if (entry.name.startsWith('.berth-')) return [];
      const path = join(folder, entry.name);
      return entry.isDirectory() ? [`${path}/`, ...this.#listBelow(path)] : [path];
    });
  }

  /** Contents of all files and targets of all links, by path. */
  contents(): Map<string, Buffer> {
    return new Map(
      this.list().flatMap((path) => {
        if (path.endsWith('/')) return [];
        const isLink = lstatSync(this.#at(path)).isSymbolicLink();
        return [[path, isLink ? Buffer.from(readlinkSync(this.#at(path))) : readFileSync(this.#at(path))] as const];
      }),
    );
  }

  /** Makes a generated edit; one that the file system refuses is left out, as a program's failed command. */
  edit(edit: Edit): void {
    try {
      if (edit.kind === 'write') this.#overwrite(edit.path, edit.content, edit.executable);
      else if (edit.kind === 'line') this.#changeLine(edit.path, edit.line, edit.text);
      else if (edit.kind === 'mkdir') this.mkdir(edit.path);
      else if (edit.kind === 'link') this.#overlink(edit.path, edit.target);
      else if (edit.kind === 'remove') this.#removeInPlace(edit.path);
      else if (edit.kind === 'move') this.#move(edit.path, edit.to);
      else this.#toggleExecutable(edit.path);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (!['ENOTDIR', 'EISDIR', 'ENOENT', 'ENOTEMPTY', 'EEXIST', 'EINVAL', 'ELOOP'].includes(code)) throw error;
    }
  }

  #overwrite(path: string, content: string, executable: boolean): void {
    // Through a link a write would reach another file.
    if (this.#isLink(path)) this.remove(path);
    if (!this.#hasLinkAbove(path)) this.write(path, content, executable);
  }

  #overlink(path: string, target: string): void {
    if (!this.#hasLinkAbove(path)) this.link(path, target);
  }

  #removeInPlace(path: string): void {
    if (!this.#hasLinkAbove(path)) this.remove(path);
  }

  #changeLine(path: string, line: number, text: string): void {
    if (this.#isLink(path) || this.#hasLinkAbove(path) || !statSync(this.#at(path)).isFile()) return;
    const lines = this.read(path).split('\n');
    lines[line % lines.length] = text;
    writeFileSync(this.#at(path), lines.join('\n'));
  }

  #move(path: string, to: string): void {
    if (!this.has(path) || this.has(to) || this.#isLink(to)) return;
    if (!this.#hasLinkAbove(path) && !this.#hasLinkAbove(to)) this.rename(path, to);
  }

  #toggleExecutable(path: string): void {
    if (this.#isLink(path) || this.#hasLinkAbove(path) || !statSync(this.#at(path)).isFile()) return;
    chmodSync(this.#at(path), this.isExecutable(path) ? 0o644 : 0o755);
  }

  #isLink(path: string): boolean {
    return lstatSync(this.#at(path), { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  }

  #hasLinkAbove(path: string): boolean {
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) if (this.#isLink(folder)) return true;
    return false;
  }

  #own(path: string): void {
    const { uid, gid } = statSync(this.root);
    lchownSync(this.#at(path), uid, gid);
  }

  #at(path: string): string {
    return join(this.root, path);
  }
}
