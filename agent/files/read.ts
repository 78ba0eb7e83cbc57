import { createHash } from 'node:crypto';
import { closeSync, fstatSync, readlinkSync, type BigIntStats } from 'node:fs';
import type { ReadPart } from '#shared/contracts/agentProtocol.ts';
import { ChannelError } from '#shared/domain/channel.ts';
import { systemCode } from '#agent/failure.ts';
import { digestOf, openFileIn, readPieces, statIn } from '#agent/files/digest.ts';
import { splitPath, within, type Workspace } from '#agent/files/folders.ts';

/** Where a reading goes: parts and, between them, the bytes of the file that has begun. */
export interface ReadSink {
  part(part: ReadPart): Promise<void>;
  /** The bytes are the callee's to keep. */
  bytes(bytes: Uint8Array): Promise<void>;
}

/** Sends the files at the paths. What is gone is left out; what changed while it was read ends without a digest. */
export async function readFiles(
  paths: AsyncIterable<string>,
  { workspace, maxFileBytes }: { workspace: Workspace; maxFileBytes: number },
  sink: ReadSink,
): Promise<void> {
  let count = 0;
  for await (const path of paths) {
    const { folders, name } = splitPath(path);
    try {
      const sent = await workspace.inFolder(folders, (folder) => readOne({ folder, name, path, maxFileBytes }, sink));
      if (sent) count += 1;
    } catch (error) {
      // Gone, moved or closed to us since it was asked for: the next scan tells what it is now.
      if (systemCode(error) === '') throw error;
    }
  }
  await sink.part({ done: true, count });
}

interface Reading {
  folder: number;
  name: string;
  path: string;
  maxFileBytes: number;
}

async function readOne(reading: Reading, sink: ReadSink): Promise<boolean> {
  const file = openFileIn(reading.folder, reading.name);
  if (file === null) return isLink(reading) && readLink(reading, sink);
  try {
    return await readOpened(file, reading, sink);
  } finally {
    closeSync(file);
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

async function readOpened(file: number, { path, maxFileBytes }: Reading, sink: ReadSink): Promise<boolean> {
  const before = fstatSync(file, { bigint: true });
  if (before.size > BigInt(maxFileBytes)) return false;
  await sink.part({ file: path, type: 'file', executable: (before.mode & 0o100n) !== 0n });
  const hash = createHash('sha256');
  let size = 0;
  const given = await isGiven(() =>
    readPieces(file, { size: Number(before.size), limit: maxFileBytes }, async (piece) => {
      size += piece.byteLength;
      if (size > maxFileBytes) return;
      hash.update(piece);
      await sink.bytes(Buffer.from(piece));
    }),
  );
  const whole = given && size <= maxFileBytes && isUnchanged(before, fstatSync(file, { bigint: true }));
  await sink.part({ sha256: whole ? hash.digest('hex') : null, size });
  return whole;
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
