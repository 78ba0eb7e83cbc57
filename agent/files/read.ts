import { createHash } from 'node:crypto';
import { closeSync, fstatSync, readlinkSync, type BigIntStats } from 'node:fs';
import type { ReadPart } from '#shared/contracts/agentProtocol.ts';
import { ChannelError } from '#shared/domain/channel.ts';
import { systemCode } from '#agent/failure.ts';
import {
  allocateForSmall,
  digestOf,
  openFileIn,
  readPieces,
  readSmall,
  statIn,
  type OpenedFile,
} from '#agent/files/digest.ts';
import { LastFolder, splitPath, within, type Workspace } from '#agent/files/folders.ts';

/** Where a reading goes: parts and, between them, the bytes of the file that has begun. */
export interface ReadSink {
  part(part: ReadPart): Promise<void>;
  /** The bytes may change once this has resolved. */
  bytes(bytes: Uint8Array): Promise<void>;
}

/** Sends the files at the paths. What is gone is left out; what changed while it was read ends without a digest. */
export async function readFiles(
  paths: AsyncIterable<string>,
  { workspace, maxFileBytes }: { workspace: Workspace; maxFileBytes: number },
  sink: ReadSink,
): Promise<void> {
  let count = 0;
  const last = new LastFolder(workspace, { create: false });
  // Each file is sent before the next one is read into it.
  const buffer = allocateForSmall();
  try {
    for await (const path of paths) {
      const { folders, name } = splitPath(path);
      try {
        if (await readOne({ folder: last.open(folders), name, path, maxFileBytes, buffer }, sink)) count += 1;
      } catch (error) {
        // Gone, moved or closed to us since it was asked for: the next scan tells what it is now.
        if (systemCode(error) === '') throw error;
      }
    }
  } finally {
    last.close();
  }
  await sink.part({ done: true, count });
}

interface Reading {
  folder: number;
  name: string;
  path: string;
  maxFileBytes: number;
  buffer: Buffer;
}

async function readOne(reading: Reading, sink: ReadSink): Promise<boolean> {
  const opened = openFileIn(reading.folder, reading.name);
  if (opened === null) return isLink(reading) && readLink(reading, sink);
  try {
    return await readOpened(opened, reading, sink);
  } finally {
    closeSync(opened.file);
  }
}

function isLink({ folder, name }: Reading): boolean {
  return statIn(folder, name)?.isSymbolicLink() ?? false;
}

async function readLink({ folder, name, path }: Reading, sink: ReadSink): Promise<boolean> {
  const target = readlinkSync(within(folder, name), 'buffer');
  await sink.part({ file: path, type: 'symlink', executable: false });
  await sink.bytes(target);
  await sink.part({ sha256: digestOf(target), size: target.byteLength });
  return true;
}

async function readOpened(opened: OpenedFile, reading: Reading, sink: ReadSink): Promise<boolean> {
  const { path, maxFileBytes } = reading;
  const { file, stat } = opened;
  if (stat.size > BigInt(maxFileBytes)) return false;
  await sink.part({ file: path, type: 'file', executable: (stat.mode & 0o100n) !== 0n });
  const sent: Sent = { sha256: null, size: 0 };
  const given = await isGiven(() => sendBytes(opened, { reading, sent }, sink));
  const whole = given && sent.sha256 !== null && isUnchanged(stat, fstatSync(file, { bigint: true }));
  await sink.part({ sha256: whole ? sent.sha256 : null, size: sent.size });
  return whole;
}

/** What was sent of a file; without a digest when that is not all of it. */
interface Sent {
  sha256: string | null;
  size: number;
}

async function sendBytes(
  opened: OpenedFile,
  { reading, sent }: { reading: Reading; sent: Sent },
  sink: ReadSink,
): Promise<void> {
  const { maxFileBytes, buffer } = reading;
  const whole = readSmall(opened, buffer);
  if (whole !== null) {
    await sink.bytes(whole);
    sent.size = whole.byteLength;
    sent.sha256 = digestOf(whole);
    return;
  }
  const hash = createHash('sha256');
  await readPieces(opened.file, { size: Number(opened.stat.size), limit: maxFileBytes }, async (piece) => {
    sent.size += piece.byteLength;
    if (sent.size > maxFileBytes) return;
    hash.update(piece);
    await sink.bytes(piece);
  });
  if (sent.size <= maxFileBytes) sent.sha256 = hash.digest('hex');
}

/** False when the disk fails in the middle of a file: what has begun must be ended, and the others can still be read. */
async function isGiven(reading: () => Promise<void>): Promise<boolean> {
  try {
    await reading();
    return true;
  } catch (error) {
    if (error instanceof ChannelError || systemCode(error) === '') throw error;
    return false;
  }
}

function isUnchanged(before: BigIntStats, after: BigIntStats): boolean {
  return before.size === after.size && before.mtimeNs === after.mtimeNs && before.ctimeNs === after.ctimeNs;
}
