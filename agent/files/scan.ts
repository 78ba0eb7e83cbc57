import { createHash } from 'node:crypto';
import { closeSync, fstatSync, readSync, type BigIntStats } from 'node:fs';
import { Sentinel, SENTINEL_NAME } from '#shared/contracts/agentProtocol.ts';
import { createIgnoreRules } from '#shared/domain/ignore.ts';
import type { SessionLimits } from '#shared/domain/limits.ts';
import { IGNORE_FILE } from '#shared/domain/paths.ts';
import { systemCode } from '#agent/failure.ts';
import { digestOf, digestOfFile, openFileIn, type OpenedFile } from '#agent/files/digest.ts';
import { LastFolder, splitPath, type Workspace } from '#agent/files/folders.ts';
import { Origins } from '#agent/files/origins.ts';
import { Pace } from '#agent/files/pace.ts';
import { walkWorkspace, type Candidate } from '#agent/files/walk.ts';

/**
 * A digest made so soon after the file's last change may be of bytes that changed again within the same tick of the
 * file's clock; it is made again at the next scan.
 */
const RACY_NANOSECONDS = 2_000_000_000n;
const MAX_IGNORE_FILE_BYTES = 64 * 1024;

/** What a scan is made for. */
interface ScanOptions {
  syncEpoch: number;
  /** The paths with a row. */
  keep: ReadonlySet<string>;
  takesUndigested: boolean;
  takesMovedFrom: boolean;
}

/** One entry of a scan. */
interface ScanEntry {
  path: string;
  type: 'file' | 'folder' | 'symlink';
  sha256: string | null;
  size: number;
  executable: boolean;
  /** The path with a row at which it was before. */
  movedFrom?: string;
}

/** A whole scan. `complete` false is never evidence of a deletion. */
export interface Scan {
  entries: ScanEntry[];
  notSaved: { path: string; reason: string }[];
  complete: boolean;
  volumeId: number | null;
  /** Two scans with the same one found the same files, and nothing was written to them in between. */
  fingerprint: string;
}

interface Digested {
  key: string;
  sha256: string;
  racy: boolean;
}

/** Stands for a file whose digest was left to its reading. The next scan makes one, and tells of it if that cannot be. */
const UNREAD: Digested = { key: '', sha256: '', racy: true };

/** What the agent wrote in the current sync epoch, by path. */
interface Written {
  syncEpoch: number | null;
  digests: Map<string, { key: string; sha256: string }>;
}

/** Looks through the workspace; digests of files that have not changed since the last scan are remembered. */
export class Scanner {
  #workspace: Workspace;
  #limits: SessionLimits;
  #digests = new Map<string, Digested>();
  #written: Written = { syncEpoch: null, digests: new Map() };
  #origins = new Origins();

  constructor(workspace: Workspace, limits: SessionLimits) {
    this.#workspace = workspace;
    this.#limits = limits;
  }

  /** Tells of a file that the agent itself wrote, in a sync epoch or in none: `stat` is of its bytes, before it got its name. */
  wrote(
    path: string,
    { syncEpoch, sha256, stat }: { syncEpoch: number | null; sha256: string; stat: BigIntStats },
  ): void {
    this.#origins.wrote(path, stat);
    if (syncEpoch === null) return;
    if (syncEpoch !== this.#written.syncEpoch) this.#written = { syncEpoch, digests: new Map() };
    this.#written.digests.set(path, { key: bytesKeyOf(stat), sha256 });
  }

  /**
   * Scans. Ignore rules and the limit of items do not apply to the paths in `keep`. What was written in this very sync
   * epoch and has not changed is not read again, but by the next scan: the caller has that digest from its own side. A file
   * that is neither kept nor known from the last scan gets no digest where the caller takes that: it will read the bytes.
   * Where the caller takes that, something new that was at a path in `keep` before comes with that path.
   */
  async scan({ syncEpoch, keep, takesUndigested, takesMovedFrom }: ScanOptions): Promise<Scan> {
    if (syncEpoch !== this.#written.syncEpoch) this.#written = { syncEpoch, digests: new Map() };
    const walk = await walkWorkspace({
      root: this.#workspace.root,
      rules: createIgnoreRules(this.#readRules()),
      keep,
      maxFileBytes: this.#limits.maxFileBytes,
    });
    const { within, beyond } = applyLimits(walk.candidates, { keep, limits: this.#limits });
    const digests = new Map<string, Digested>();
    const scan: Scan = {
      entries: [],
      notSaved: [...walk.notSaved, ...beyond],
      complete: walk.complete,
      volumeId: this.#readVolumeId(),
      fingerprint: '',
    };
    const last = new LastFolder(this.#workspace, { create: false });
    try {
      const isUndigested = (path: string): boolean =>
        takesUndigested && !keep.has(path) && !this.#digests.has(path) && !this.#written.digests.has(path);
      await this.#digestAll(within, { digests, scan, last, isUndigested });
    } finally {
      last.close();
    }
    this.#digests = digests;
    this.#written.digests.clear();
    const origins = this.#origins.trace(within, keep);
    if (takesMovedFrom && origins.size > 0) scan.entries = scan.entries.map((entry) => withOrigin(entry, origins));
    return scan;
  }

  async #digestAll(
    candidates: Candidate[],
    into: {
      digests: Map<string, Digested>;
      scan: Scan;
      last: LastFolder;
      isUndigested: (path: string) => boolean;
    },
  ): Promise<void> {
    const pace = new Pace();
    const hash = createHash('sha256');
    for (const candidate of candidates) {
      if (pace.due) await pace.breathe();
      const { path, type, stat } = candidate;
      if (type === 'folder') {
        into.scan.entries.push({ path, type, sha256: null, size: 0, executable: false });
        hash.update(`${path}/\0`);
      } else if (type === 'symlink') {
        into.scan.entries.push(linkEntry(candidate));
        hash.update(`${path}\0${candidate.target}\0`);
      } else if (into.isUndigested(path)) {
        into.digests.set(path, UNREAD);
        into.scan.entries.push(fileEntry(candidate, null));
        hash.update(`${path}\0${keyOf(stat)}\0`);
      } else {
        const digested = await this.#digest({ path, stat }, into.last);
        if (digested === 'unreadable') {
          into.scan.notSaved.push({ path, reason: 'unreadable' });
        } else if (digested !== null) {
          into.digests.set(path, digested);
          into.scan.entries.push(fileEntry(candidate, digested.sha256));
          hash.update(`${path}\0${digested.sha256}\0${digested.key}\0`);
        }
      }
    }
    into.scan.fingerprint = hash.digest('hex');
  }

  async #digest(
    { path, stat }: { path: string; stat: BigIntStats },
    last: LastFolder,
  ): Promise<Digested | 'unreadable' | null> {
    const known = this.#digests.get(path);
    if (known !== undefined && !known.racy && known.key === keyOf(stat)) return known;
    const written = this.#written.digests.get(path);
    if (written?.key === bytesKeyOf(stat)) return { key: keyOf(stat), sha256: written.sha256, racy: true };
    const { folders, name } = splitPath(path);
    try {
      const opened = openFileIn(last.open(folders), name);
      return opened === null ? null : await digestOpened(opened);
    } catch (error) {
      // Gone or replaced since the walk; anything else means that the file is there and cannot be read.
      return ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemCode(error)) ? null : 'unreadable';
    }
  }

  #readRules(): string {
    try {
      return this.#readText(IGNORE_FILE) ?? '';
    } catch (error) {
      // A file that its owner has closed, or that the disk does not give, must not be the end of all saving.
      if (systemCode(error) === '') throw error;
      return '';
    }
  }

  #readText(name: string): string | null {
    const opened = openFileIn(this.#workspace.root, name);
    if (opened === null) return null;
    try {
      const buffer = Buffer.alloc(MAX_IGNORE_FILE_BYTES);
      return buffer.subarray(0, readSync(opened.file, buffer)).toString('utf8');
    } finally {
      closeSync(opened.file);
    }
  }

  #readVolumeId(): number | null {
    try {
      const result = Sentinel.safeParse(JSON.parse(this.#readText(SENTINEL_NAME) ?? 'null'));
      return result.success ? result.data.volumeId : null;
    } catch {
      // A sentinel that somebody scribbled on counts as missing.
      return null;
    }
  }
}

async function digestOpened(opened: OpenedFile): Promise<Digested> {
  const { file, stat } = opened;
  const key = keyOf(stat);
  const recent = isRecent(stat);
  try {
    const sha256 = await digestOfFile(opened);
    return { key, sha256, racy: recent || keyOf(fstatSync(file, { bigint: true })) !== key };
  } finally {
    closeSync(file);
  }
}

function isRecent({ mtimeNs, ctimeNs }: BigIntStats): boolean {
  const latest = mtimeNs > ctimeNs ? mtimeNs : ctimeNs;
  return BigInt(Date.now()) * 1_000_000n - latest < RACY_NANOSECONDS;
}

function keyOf(stat: BigIntStats): string {
  return `${stat.mode}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}:${stat.ino}`;
}

/** As `keyOf`, without what giving the file its name changes. */
function bytesKeyOf(stat: BigIntStats): string {
  return `${stat.mode}:${stat.size}:${stat.mtimeNs}:${stat.ino}`;
}

function fileEntry({ path, stat }: Candidate, sha256: string | null): ScanEntry {
  return { path, type: 'file', sha256, size: Number(stat.size), executable: (stat.mode & 0o100n) !== 0n };
}

function linkEntry({ path, target }: Candidate): ScanEntry {
  const text = target ?? '';
  return { path, type: 'symlink', sha256: digestOf(text), size: Buffer.byteLength(text), executable: false };
}

function withOrigin(entry: ScanEntry, origins: ReadonlyMap<string, string>): ScanEntry {
  const movedFrom = origins.get(entry.path);
  return movedFrom === undefined ? entry : { ...entry, movedFrom };
}

/** Paths with a row are always within the limits; the others as long as there is room. */
function applyLimits(
  candidates: Candidate[],
  { keep, limits }: { keep: ReadonlySet<string>; limits: SessionLimits },
): { within: Candidate[]; beyond: { path: string; reason: string }[] } {
  const kept = candidates.filter(({ path }) => keep.has(path));
  let items = kept.length;
  let bytes = kept.reduce((sum, { stat, type }) => sum + (type === 'folder' ? 0 : Number(stat.size)), 0);
  const within: Candidate[] = [];
  const beyond: { path: string; reason: string }[] = [];
  for (const candidate of candidates) {
    if (keep.has(candidate.path)) {
      within.push(candidate);
      continue;
    }
    const size = candidate.type === 'folder' ? 0 : Number(candidate.stat.size);
    const reason =
      items + 1 > limits.maxSessionItems ? 'too-many' : bytes + size > limits.maxSessionBytes ? 'session-full' : null;
    if (reason === null) {
      items += 1;
      bytes += size;
      within.push(candidate);
    } else if (beyond.length < 1_000) beyond.push({ path: candidate.path, reason });
  }
  return { within, beyond };
}
