import { createHash, type Hash } from 'node:crypto';
import { closeSync, fstatSync, unlinkSync, writeSync, type BigIntStats } from 'node:fs';
import { ChangeMessage, type ChangeOutcomeMessage } from '#shared/contracts/agentProtocol.ts';
import type { Part } from '#shared/domain/frameQueue.ts';
import { DISK_FULL_REASON } from '#shared/domain/podCause.ts';
import { AgentFailure, systemCode } from '#agent/failure.ts';
import {
  DIGEST_REASON,
  changeProblem,
  finishFile,
  flushFolder,
  makeFolders,
  makeTemporaryLink,
  openNew,
  placeWrite,
  remove,
  rename,
  type ChangeContext,
} from '#agent/files/change.ts';
import { digestOf } from '#agent/files/digest.ts';
import { temporaryName } from '#agent/files/displaced.ts';
import { flushVolume } from '#agent/files/flush.ts';
import { LastFolder, splitPath, within } from '#agent/files/folders.ts';

type Write = Extract<ChangeMessage, { op: 'write' }>;

const MAX_LINK_BYTES = 4_096;
const REASONS: Record<string, string> = {
  ENOSPC: DISK_FULL_REASON,
  EDQUOT: DISK_FULL_REASON,
  ENAMETOOLONG: 'the name is too long',
  ENOTDIR: 'a part of the path is no folder',
  ELOOP: 'a part of the path is a link',
  EACCES: 'it is not permitted',
  EPERM: 'it is not permitted',
  ENOENT: 'the folder is not there',
};

/** Applies the changes that come in, one after the other, and tells the outcome of each. */
export async function applyChanges(
  parts: AsyncIterable<Part>,
  context: ChangeContext,
  tell: (outcome: ChangeOutcomeMessage) => Promise<void>,
): Promise<void> {
  const incoming = parts[Symbol.asyncIterator]();
  const last = new LastFolder(context.workspace, { create: true });
  try {
    for (let next = await incoming.next(); next.done !== true; next = await incoming.next()) {
      if (!('message' in next.value)) throw new AgentFailure('INVALID_INPUT', 'Data came without a change.');
      const parsed = ChangeMessage.safeParse(next.value.message);
      if (!parsed.success) throw new AgentFailure('INVALID_INPUT', 'A change is not valid.');
      const outcome = await applyOne(parsed.data, { incoming, context, last });
      // A batch that is flushed as a whole relies on a folder that was opened earlier. What a program moves meanwhile ends
      // as if it had been moved right after; in what it removes a write is refused, and the next reconcile mends that.
      if (!context.bulk || parsed.data.op !== 'write' || outcome.outcome !== 'applied') last.close();
      await tell(outcome);
    }
  } finally {
    last.close();
  }
  if (context.bulk) await flushVolume(context.workspace.path);
}

async function applyOne(
  change: ChangeMessage,
  { incoming, context, last }: { incoming: AsyncIterator<Part>; context: ChangeContext; last: LastFolder },
): Promise<ChangeOutcomeMessage> {
  const body = change.op === 'write' ? new Body(incoming, change.size) : null;
  try {
    const problem = changeProblem(change);
    if (problem !== null) return { outcome: 'refused', reason: problem };
    if (change.op === 'write' && body !== null) return await write(change, body, { context, last });
    if (change.op === 'mkdir') return await makeFolders(change, context);
    if (change.op === 'remove') return await remove(change, context);
    if (change.op === 'rename') return await rename(change, context);
    return { outcome: 'refused', reason: 'it is not known here' };
  } catch (error) {
    const code = systemCode(error);
    if (code === '' || error instanceof AgentFailure) throw error;
    // Removing what lies in a folder that is gone is done already.
    if (change.op === 'remove' && code === 'ENOENT') return { outcome: 'applied' };
    return { outcome: 'refused', reason: REASONS[code] ?? code };
  } finally {
    await body?.drain();
  }
}

async function write(
  change: Write,
  body: Body,
  { context, last }: { context: ChangeContext; last: LastFolder },
): Promise<ChangeOutcomeMessage> {
  const { folders, name } = splitPath(change.path);
  const folder = last.open(folders);
  if (context.fresh && change.type === 'file' && change.expected === null) {
    const placed = await writeInPlace(change, body, { folder, name, context });
    if (placed !== null) return placed;
  }
  const received = await receive(change, body, { folder, durable: !context.bulk });
  if ('reason' in received) return { outcome: 'refused', reason: received.reason };
  try {
    const outcome = await placeWrite(change, { folder, ...received }, context);
    if (outcome.outcome === 'applied' && received.stat !== null) {
      context.written(change.path, { sha256: received.sha256, stat: received.stat });
    }
    await flushFolder(folder, context);
    return outcome;
  } finally {
    removeQuietly(folder, received.name);
  }
}

/** Writes a new file under its own name: half the work of a temporary one. Null, and nothing was read, where something is. */
async function writeInPlace(
  change: Write,
  body: Body,
  { folder, name, context }: { folder: number; name: string; context: ChangeContext },
): Promise<ChangeOutcomeMessage | null> {
  let file: number;
  try {
    file = openNew(folder, name, change.executable);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    return null;
  }
  const received = await fill(file, body, { folder, name, durable: !context.bulk });
  if (received.sha256 !== change.sha256) {
    removeQuietly(folder, name);
    return { outcome: 'refused', reason: DIGEST_REASON };
  }
  context.written(change.path, received);
  await flushFolder(folder, context);
  return { outcome: 'applied' };
}

/** Where the bytes of a write are for now; `stat` is null for a link. */
interface Received {
  name: string;
  sha256: string;
  stat: BigIntStats | null;
}

async function receive(
  change: Write,
  body: Body,
  { folder, durable }: { folder: number; durable: boolean },
): Promise<Received | { reason: string }> {
  if (change.type === 'symlink') {
    if (change.size > MAX_LINK_BYTES) return { reason: 'the link is too long' };
    const target = await body.text();
    const made = makeTemporaryLink(folder, change.path, target);
    return 'reason' in made ? made : { name: made.name, sha256: digestOf(target), stat: null };
  }
  const name = temporaryName();
  const file = openNew(folder, name, change.executable);
  return { name, ...(await fill(file, body, { folder, name, durable })) };
}

/** Receives the bytes of a write into a file that was made for them, and closes it. It goes when they do not all come. */
async function fill(
  file: number,
  body: Body,
  { folder, name, durable }: { folder: number; name: string; durable: boolean },
): Promise<{ sha256: string; stat: BigIntStats }> {
  const hash = createHash('sha256');
  try {
    await body.each((piece) => writeAll(file, piece, hash));
  } catch (error) {
    closeSync(file);
    removeQuietly(folder, name);
    throw error;
  }
  const stat = fstatSync(file, { bigint: true });
  await finishFile(file, durable);
  return { sha256: hash.digest('hex'), stat };
}

function writeAll(file: number, piece: Uint8Array, hash: Hash): void {
  hash.update(piece);
  for (let start = 0; start < piece.byteLength;) start += writeSync(file, piece, start);
}

function removeQuietly(folder: number, name: string): void {
  try {
    unlinkSync(within(folder, name));
  } catch (error) {
    // After a rename over the target the temporary name is gone, as it should be.
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}

/** The bytes of one write: exactly `size` of them, in pieces. */
class Body {
  #incoming: AsyncIterator<Part>;
  #left: number;

  constructor(incoming: AsyncIterator<Part>, size: number) {
    this.#incoming = incoming;
    this.#left = size;
  }

  async each(take: (piece: Uint8Array) => void): Promise<void> {
    while (this.#left > 0) {
      const next = await this.#incoming.next();
      if (next.done === true || !('data' in next.value) || next.value.data.byteLength > this.#left) {
        throw new AgentFailure('INVALID_INPUT', 'The data of a write does not have the announced length.');
      }
      this.#left -= next.value.data.byteLength;
      take(next.value.data);
    }
  }

  async text(): Promise<string> {
    const pieces: Uint8Array[] = [];
    await this.each((piece) => pieces.push(piece));
    return Buffer.concat(pieces).toString('utf8');
  }

  /** Throws away what is left, so that the next change is read from its beginning. */
  async drain(): Promise<void> {
    await this.each(() => undefined);
  }
}
