import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A TCP socket that listens where the loopback reaches it. */
export interface ListeningSocket {
  port: number;
  /** Where to dial it. */
  host: '127.0.0.1' | '::1';
  inode: string;
}

const LISTENING = '0A';
/** Local addresses as the kernel writes them (each 32 bits in the machine's order), and how a socket bound to them is reached. */
const REACHED_BY: Record<string, ListeningSocket['host']> = {
  '00000000': '127.0.0.1',
  '0100007F': '127.0.0.1',
  '0000000000000000FFFF00000100007F': '127.0.0.1',
  '00000000000000000000000000000000': '::1',
  '00000000000000000000000001000000': '::1',
};

/** Every socket of this network namespace that listens on the loopback or on all addresses. */
export function listListening(): ListeningSocket[] {
  return ['/proc/self/net/tcp', '/proc/self/net/tcp6'].flatMap((file) => parseSocketTable(readTable(file)));
}

/** Reads a table of the kernel's format. */
export function parseSocketTable(table: string): ListeningSocket[] {
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const fields = line.trim().split(/\s+/);
      const [address = '', port = ''] = (fields[1] ?? '').split(':');
      const host = REACHED_BY[address];
      if (fields[3] !== LISTENING || host === undefined) return [];
      return [{ port: Number.parseInt(port, 16), host, inode: fields[9] ?? '' }];
    });
}

function readTable(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // A machine without IPv6 has no second table.
    return '';
  }
}

/** The inodes of the sockets that a process holds; none when it is gone or another user's. */
export function socketsOf(pid: number | 'self'): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((name) => inodeOf(`/proc/${pid}/fd/${name}`) ?? []);
  } catch {
    return [];
  }
}

function inodeOf(path: string): string | null {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(path))?.[1] ?? null;
  } catch {
    // Closed since it was listed.
    return null;
  }
}
