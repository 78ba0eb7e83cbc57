import { createHash, type Hash } from 'node:crypto';
import { closeSync, unlinkSync, writeSync } from 'node:fs';
import { ChangeMessage, type ChangeOutcomeMessage } from '#shared/contracts/agentProtocol.ts';
import type { Part } from '#shared/domain/frameQueue.ts';
import { DISK_FULL_REASON } from '#shared/domain/podCause.ts';
import { AgentFailure, systemCode } from '#agent/failure.ts';
import {
  changeProblem,
  finishFile,
  flushFolder,
  makeFolders,
  makeTemporaryLink,
  openTemporary,
  placeWrite,
  remove,
  rename,
  type ChangeContext,
} from '#agent/files/change.ts';
import { digestOf } from '#agent/files/digest.ts';
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
  const last = new LastFolder(context.workspace);
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
  const folder = last.open(splitPath(change.path).folders);
  const received = await receive(change, body, { folder, durable: !context.bulk });
  if ('reason' in received) return { outcome: 'refused', reason: received.reason };
  try {
    const outcome = await placeWrite(change, { folder, ...received }, context);
    await flushFolder(folder, context);
    return outcome;
  } finally {
    removeQuietly(folder, received.name);
  }
}

async function receive(
  change: Write,
  body: Body,
  { folder, durable }: { folder: number; durable: boolean },
): Promise<{ name: string; sha256: string } | { reason: string }> {
  if (change.type === 'symlink') {
    if (change.size > MAX_LINK_BYTES) return { reason: 'the link is too long' };
    const target = await body.text();
    const made = makeTemporaryLink(folder, change.path, target);
    return 'reason' in made ? made : { name: made.name, sha256: digestOf(target) };
  }
  const { file, name } = openTemporary(folder, change.executable);
  const hash = createHash('sha256');
  try {
    await body.each((piece) => writeAll(file, piece, hash));
  } catch (error) {
    closeSync(file);
    removeQuietly(folder, name);
    throw error;
  }
  await finishFile(file, durable);
  return { name, sha256: hash.digest('hex') };
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
