import { createHash } from 'node:crypto';
import { ChangeOutcomeMessage, ManifestPart, ReadPart, type ChangeMessage } from '#shared/contracts/agentProtocol.ts';
import type { Channel } from '#shared/domain/channel.ts';
import type { FrameQueue } from '#shared/domain/frameQueue.ts';
import { ProtocolError } from '#shared/domain/frames.ts';
import type { Multiplexer } from '#shared/domain/multiplexer.ts';
import type { AgentChange, ApplyOptions, ChangeOutcome, Manifest } from '#platform/agent/AgentClient.ts';
import { checkAnswer, mapFailures, startRequest } from '#platform/agent/agentRequests.ts';

/** Bytes of paths in one message. */
const BATCH_BYTES = 64 * 1024;
/** A file that an agent sends may not be larger than this, whatever its limits say. */
const MAX_READ_BYTES = 128 * 1024 * 1024;
/** Entries that a manifest may have; an agent that sends more is not to be believed. */
const MAX_MANIFEST_ENTRIES = 1_100_000;

/** A file as it was read. */
export interface ReadFile {
  path: string;
  type: 'file' | 'symlink';
  bytes: Uint8Array;
  sha256: string;
  executable: boolean;
}

/** Scans the volume. */
export async function requestManifest(
  multiplexer: Multiplexer,
  { syncEpoch, keep }: { syncEpoch: number; keep: string[] },
): Promise<Manifest> {
  return mapFailures(async () => {
    const { channel, answers } = startRequest(multiplexer, { kind: 'manifest', syncEpoch });
    const sending = sendPaths(channel, keep);
    // Its failure is the channel's, which the answers meet as well.
    sending.catch(() => undefined);
    try {
      const manifest = await collectManifest(answers);
      await sending;
      return manifest;
    } finally {
      channel.close();
    }
  });
}

async function collectManifest(answers: FrameQueue): Promise<Manifest> {
  const manifest: Manifest = { entries: [], notSaved: [], complete: false, volumeId: null, bootId: '' };
  const seen = new Set<string>();
  let count: number | null = null;
  for await (const part of answers) {
    const message = checkAnswer(ManifestPart, 'message' in part ? part.message : null);
    if ('entries' in message) {
      for (const entry of message.entries) {
        if (seen.has(entry.path)) throw new ProtocolError('The agent named a path twice.');
        seen.add(entry.path);
        manifest.entries.push(entry);
      }
    } else if ('notSaved' in message) manifest.notSaved.push(...message.notSaved);
    else {
      manifest.complete = message.complete;
      manifest.volumeId = message.volumeId;
      manifest.bootId = message.bootId;
      count = message.count;
    }
    if (seen.size + manifest.notSaved.length > MAX_MANIFEST_ENTRIES)
      throw new ProtocolError('The manifest has no end.');
  }
  if (count !== seen.size) throw new ProtocolError('The manifest is not whole.');
  return manifest;
}

/** Reads files one after the other; each is verified by length and digest. */
export async function* requestFiles(multiplexer: Multiplexer, paths: string[]): AsyncGenerator<ReadFile> {
  const { channel, answers } = startRequest(multiplexer, { kind: 'read' });
  const asked = new Set(paths);
  const sending = sendPaths(channel, paths);
  // Its failure is the channel's, which the loop below meets as well.
  sending.catch(() => undefined);
  try {
    yield* receiveFiles(answers, asked);
  } finally {
    // Whoever stops taking early leaves nothing under way.
    channel.close();
  }
}

async function* receiveFiles(answers: FrameQueue, asked: Set<string>): AsyncGenerator<ReadFile> {
  let count = 0;
  let file: Receiving | null = null;
  for await (const part of answers) {
    if ('data' in part) {
      if (file === null) throw new ProtocolError('The agent sent data of no file.');
      file.take(part.data);
      continue;
    }
    const message = checkAnswer(ReadPart, part.message);
    if ('file' in message) {
      if (file !== null || !asked.delete(message.file))
        throw new ProtocolError('The agent sent a file nobody asked for.');
      file = new Receiving(message);
    } else if ('sha256' in message) {
      const whole = file?.finish(message);
      file = null;
      if (whole === undefined || whole === null) continue;
      count += 1;
      yield whole;
    } else if (message.count !== count || file !== null) throw new ProtocolError('The reading is not whole.');
    else return;
  }
  throw new ProtocolError('The reading ended early.');
}

class Receiving {
  #head: { file: string; type: 'file' | 'symlink'; executable: boolean };
  #pieces: Uint8Array[] = [];
  #size = 0;

  constructor(head: { file: string; type: 'file' | 'symlink'; executable: boolean }) {
    this.#head = head;
  }

  take(piece: Uint8Array): void {
    this.#size += piece.byteLength;
    if (this.#size > MAX_READ_BYTES) throw new ProtocolError('A file has no end.');
    // A copy: the piece is a part of a larger received chunk, which it would hold in memory. A Buffer's own `slice` makes none.
    this.#pieces.push(new Uint8Array(piece));
  }

  /** Null when the file changed under the reading. */
  finish({ sha256, size }: { sha256: string | null; size: number }): ReadFile | null {
    if (sha256 === null) return null;
    const bytes = Buffer.concat(this.#pieces);
    if (bytes.byteLength !== size || createHash('sha256').update(bytes).digest('hex') !== sha256) {
      throw new ProtocolError('A file does not match its digest.');
    }
    const { file, type, executable } = this.#head;
    return { path: file, type, bytes, sha256, executable };
  }
}

/** Applies changes in order; one outcome each. */
export async function requestChanges(
  multiplexer: Multiplexer,
  changes: AgentChange[],
  { syncEpoch, bulk, fresh }: ApplyOptions,
): Promise<ChangeOutcome[]> {
  return mapFailures(async () => {
    const { channel, answers } = startRequest(multiplexer, { kind: 'apply', syncEpoch, bulk, ...(fresh && { fresh }) });
    const sending = sendChanges(channel, changes);
    // The outcomes below fail with the same error.
    sending.catch(() => undefined);
    try {
      return await collectOutcomes(answers, changes.length);
    } finally {
      // Else the agent would wait for ever for somebody to take the rest, and every later change behind it.
      channel.close();
    }
  });
}

async function collectOutcomes(answers: FrameQueue, count: number): Promise<ChangeOutcome[]> {
  const outcomes: ChangeOutcome[] = [];
  for await (const part of answers) {
    outcomes.push(checkAnswer(ChangeOutcomeMessage, 'message' in part ? part.message : null));
    if (outcomes.length > count) throw new ProtocolError('The agent told of more changes than there were.');
  }
  if (outcomes.length !== count) throw new ProtocolError('The agent did not tell of every change.');
  return outcomes;
}

async function sendChanges(channel: Channel, changes: AgentChange[]): Promise<void> {
  for (const change of changes) {
    if (change.op === 'write') {
      const { bytes, ...head } = change;
      await channel.send({ ...head, size: bytes.byteLength } satisfies ChangeMessage);
      await channel.sendData(bytes);
    } else await channel.send(change satisfies ChangeMessage);
  }
  channel.end();
}

/** Sends paths in batches and ends this side. */
export async function sendPaths(channel: Channel, paths: string[]): Promise<void> {
  let batch: string[] = [];
  let bytes = 0;
  for (const path of paths) {
    batch.push(path);
    bytes += 2 * Buffer.byteLength(path) + 4;
    if (bytes < BATCH_BYTES) continue;
    await channel.send({ paths: batch });
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) await channel.send({ paths: batch });
  channel.end();
}
