import { PathBatch, type AgentRequest, type CallerHello, type ManifestPart } from '#shared/contracts/agentProtocol.ts';
import type { Channel } from '#shared/domain/channel.ts';
import type { FrameQueue } from '#shared/domain/frameQueue.ts';
import { AgentFailure } from '#agent/failure.ts';
import { applyChanges } from '#agent/files/apply.ts';
import type { ChangeContext } from '#agent/files/change.ts';
import { readFiles } from '#agent/files/read.ts';
import type { AgentSession } from '#agent/session.ts';

type ManifestRequest = Extract<AgentRequest, { kind: 'manifest' }>;
type ApplyRequest = Extract<AgentRequest, { kind: 'apply' }>;

/** Entries of a manifest in one message: paths of 4,000 bytes still fit into a frame. */
const BATCH_BYTES = 48 * 1024;

/** Answers a `manifest` request. */
export async function sendManifest(
  { session, caller }: { session: AgentSession; caller: CallerHello },
  { channel, incoming, request }: { channel: Channel; incoming: FrameQueue; request: ManifestRequest },
): Promise<void> {
  const keep = new Set<string>();
  for await (const path of pathsOf(incoming)) keep.add(path);
  await session.displaced.settle();
  const scan = await session.scanner.scan({
    syncEpoch: request.syncEpoch,
    keep,
    takesUndigested: caller.takesUndigested,
    takesMovedFrom: caller.takesMovedFrom,
  });
  const flushed = session.flush.flush(scan);
  // Awaited below: what is sent meanwhile counts for nothing before the summary.
  flushed.catch(() => undefined);
  for (const entries of inBatches(scan.entries)) await channel.send({ entries } satisfies ManifestPart);
  for (const notSaved of inBatches(scan.notSaved)) await channel.send({ notSaved } satisfies ManifestPart);
  await flushed;
  await channel.send({
    complete: scan.complete,
    volumeId: scan.volumeId,
    bootId: session.bootId,
    count: scan.entries.length,
  } satisfies ManifestPart);
}

/** Answers a `read` request. */
export async function sendFiles(session: AgentSession, channel: Channel, incoming: FrameQueue): Promise<void> {
  await readFiles(
    pathsOf(incoming),
    { workspace: session.workspace, maxFileBytes: session.limits.maxFileBytes },
    { part: (part) => channel.send(part), bytes: (bytes) => channel.sendData(bytes) },
  );
}

/** Answers an `apply` request. */
export async function takeChanges(
  session: AgentSession,
  { channel, incoming, request }: { channel: Channel; incoming: FrameQueue; request: ApplyRequest },
): Promise<void> {
  const { workspace, displaced, epochs, flush, scanner } = session;
  const { syncEpoch, bulk, fresh = false } = request;
  epochs.checkSyncEpoch(syncEpoch);
  await session.changes.take(async () => {
    // A later reconcile may have come while this one waited.
    epochs.checkSyncEpoch(syncEpoch);
    try {
      const written: ChangeContext['written'] = (path, file) => scanner.wrote(path, { syncEpoch, ...file });
      await applyChanges(incoming, { workspace, displaced, bulk, fresh, written }, (outcome) => channel.send(outcome));
    } finally {
      flush.applied();
    }
  });
}

/** The paths that come in batches. Throws INVALID_INPUT at one that is not allowed. */
export async function* pathsOf(incoming: FrameQueue): AsyncGenerator<string> {
  for await (const part of incoming) {
    const batch = PathBatch.safeParse('message' in part ? part.message : null);
    if (!batch.success) throw new AgentFailure('INVALID_INPUT', 'A batch of paths is not valid.');
    yield* batch.data.paths;
  }
}

function* inBatches<T extends { path: string; movedFrom?: string }>(entries: T[]): Generator<T[]> {
  let batch: T[] = [];
  let bytes = 0;
  for (const entry of entries) {
    batch.push(entry);
    // JSON may need six bytes for one of a path's; the rest of an entry is short.
    bytes += 2 * Buffer.byteLength(entry.path) + 2 * Buffer.byteLength(entry.movedFrom ?? '') + 200;
    if (bytes < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}
