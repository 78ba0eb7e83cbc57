import { execFile } from 'node:child_process';
import { existsSync, lstatSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * The user and group that programs of a session run as when Berth is root: one that owns nothing on any machine. A
 * number that maps to a person would let a program read that person's files wherever a path led to them.
 */
export const SANDBOX_USER = 65_532;

/** The workspace as programs see it, the same as in a pod of a cluster. */
export const WORKSPACE_MOUNT = '/app/workspace';
/** Home folder of the programs: memory, gone with the pod. */
export const HOME_MOUNT = '/home/workspace';
const AGENT_MOUNT = '/opt/berth';
const SOCKET_MOUNT = '/run/berth';
const HOME_BYTES = 256 * 1024 * 1024;
const PROBE_MS = 10_000;

/** Files of /etc that programs need to work at all; nothing else of it is shown. */
const SHARED_ETC = [
  'ssl/certs',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'alternatives',
  'localtime',
  'nsswitch.conf',
  'resolv.conf',
];

/** Paths on this machine of what a sandbox shows. */
export interface SandboxSources {
  node: string;
  bundle: string;
  ptyModule: string;
  /** A folder for the sandbox's own passwd and group. */
  etc: string;
}

/** Paths inside the sandbox. */
export const SANDBOX_PATHS = {
  node: join(AGENT_MOUNT, 'node'),
  bundle: join(AGENT_MOUNT, 'agent.mjs'),
  ptyModule: join(AGENT_MOUNT, 'pty.node'),
  sockets: SOCKET_MOUNT,
};

/** True when this process is root, which then gives up its rights inside the sandbox. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Arguments of bwrap up to the command. Everything that is not named here does not exist for the programs. */
export function sandboxArguments(
  sources: SandboxSources,
  { workspace, socketFolder, canLimit }: { workspace: string; socketFolder: string; canLimit: boolean },
): string[] {
  const size = canLimit ? ['--size', String(HOME_BYTES)] : [];
  return [
    ...namespaceArguments(),
    ...['--new-session', '--hostname', 'workspace', '--proc', '/proc', '--dev', '/dev'],
    ...['--perms', '1777', ...size, '--tmpfs', '/tmp'],
    ...['--perms', '1777', ...size, '--tmpfs', HOME_MOUNT],
    ...['--ro-bind', '/usr', '/usr', ...systemFolders()],
    // Said explicitly: bwrap makes the folders above a mount as closed as what is mounted.
    ...['/app', '/etc', '/opt', AGENT_MOUNT, '/run'].flatMap((folder) => ['--perms', '0755', '--dir', folder]),
    ...SHARED_ETC.flatMap((name) => ['--ro-bind-try', `/etc/${name}`, `/etc/${name}`]),
    ...['--ro-bind', join(sources.etc, 'passwd'), '/etc/passwd', '--ro-bind', join(sources.etc, 'group'), '/etc/group'],
    ...['--ro-bind', sources.node, SANDBOX_PATHS.node, '--ro-bind', sources.bundle, SANDBOX_PATHS.bundle],
    ...['--ro-bind', sources.ptyModule, SANDBOX_PATHS.ptyModule],
    // Not into the workspace: bwrap may not enter it where Berth is root and the workspace belongs to somebody else.
    ...['--bind', socketFolder, SOCKET_MOUNT, '--bind', workspace, WORKSPACE_MOUNT, '--chdir', '/'],
    // Last: everything above needs a root that can still be written.
    ...['--remount-ro', '/'],
  ];
}

/**
 * An ordinary user gets a user namespace. Root must not: inside one it would stay root for every file of the machine. It
 * mounts with its own rights, which also reaches folders that only root can enter, and the agent becomes an
 * unprivileged user before it answers anybody.
 */
function namespaceArguments(): string[] {
  if (!isRoot()) {
    const user = String(SANDBOX_USER);
    return ['--unshare-all', '--uid', user, '--gid', user, '--cap-drop', 'ALL'];
  }
  const namespaces = ['--unshare-ipc', '--unshare-pid', '--unshare-net', '--unshare-uts', '--unshare-cgroup-try'];
  return [...namespaces, '--cap-drop', 'ALL', '--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID'];
}

/** /bin, /lib and so on: links into /usr where the system has merged them, folders of their own elsewhere. */
function systemFolders(): string[] {
  return ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'].flatMap((name) => {
    const path = `/${name}`;
    if (!existsSync(path)) return [];
    return lstatSync(path).isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path];
  });
}

/** Writes the users that programs see: root and themselves. The machine's own list is nobody's business. */
export function writeSandboxUsers(etc: string): void {
  const id = SANDBOX_USER;
  const passwd = `root:x:0:0:root:/root:/bin/sh\nworkspace:x:${id}:${id}::${HOME_MOUNT}:/bin/bash\n`;
  writeFileSync(join(etc, 'passwd'), passwd, { mode: 0o644 });
  writeFileSync(join(etc, 'group'), `root:x:0:\nworkspace:x:${id}:\n`, { mode: 0o644 });
}

/** True when bwrap can limit the size of a tmpfs (0.7 and later). Rejects when there is no bwrap. */
export async function canLimitSize(): Promise<boolean> {
  const { stdout } = await run('bwrap', ['--help'], { timeout: PROBE_MS });
  return stdout.includes('--size');
}

/** Tries a real sandbox. Resolves with the reason when it does not work here, null when it does. */
export async function probeSandbox(args: string[]): Promise<string | null> {
  try {
    await run('bwrap', [...args, SANDBOX_PATHS.node, '--version'], { timeout: PROBE_MS });
    return null;
  } catch (error) {
    return error instanceof Error ? error.message.trim().split('\n').slice(-1).join('') : String(error);
  }
}
