import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The longest path of a Unix socket on Linux, in bytes. */
const MAX_SOCKET_PATH_BYTES = 107;

/** Where the local runtime keeps everything. */
export interface Layout {
  volumes: string;
  pods: string;
  sandbox: string;
  /** Folder of one pod's socket; another one for each pod, for it is shown to the pod. */
  socketFolder(uuid: string): string;
}

/** The name of the socket in its folder. */
export const SOCKET_NAME = 'agent.sock';

/** Makes the folders under the data directory, closed to other users. */
export function createLayout(dataDir: string): Layout {
  const root = resolve(dataDir);
  const layout = {
    volumes: join(root, 'volumes'),
    pods: join(root, 'pods'),
    sandbox: join(root, 'sandbox'),
    socketFolder: (uuid: string) => socketFolder(root, uuid),
  };
  mkdirSync(root, { recursive: true });
  for (const folder of [layout.volumes, layout.pods, layout.sandbox])
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  return layout;
}

function socketFolder(root: string, uuid: string): string {
  const folder = join(root, 'sockets', uuid);
  if (Buffer.byteLength(join(folder, SOCKET_NAME)) <= MAX_SOCKET_PATH_BYTES) return folder;
  const digest = createHash('sha256').update(folder).digest('hex').slice(0, 32);
  return join(shortRoot(), digest);
}

/** A short folder of this user's own, for data directories with a long path. Throws when somebody else holds the name. */
function shortRoot(): string {
  const user = process.getuid?.() ?? 0;
  const folder = join(Buffer.byteLength(tmpdir()) < 40 ? tmpdir() : '/tmp', `berth-${user}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stat = lstatSync(folder);
  if (!stat.isDirectory() || stat.uid !== user) throw new Error(`${folder} belongs to somebody else.`);
  chmodSync(folder, 0o700);
  return folder;
}
