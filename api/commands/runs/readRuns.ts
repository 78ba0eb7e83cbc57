import type { ApiDeps } from '#api/deps.ts';
import { listRuns, readRunOutputs, type RunRecord } from '#platform/db/repositories/runs.ts';

/** Runs of a session, newest first, from a cursor on. */
export function loadRunPage(
  { database }: Pick<ApiDeps, 'database'>,
  page: { sessionId: number; cursor: number | null; limit: number },
): Promise<RunRecord[]> {
  return listRuns(database, page);
}

/** A run with what is kept of its outputs, which are empty before its end. */
export async function loadRunReceipt(
  { database }: Pick<ApiDeps, 'database'>,
  run: RunRecord,
): Promise<{ run: RunRecord; outputs: { stdout: Buffer; stderr: Buffer } }> {
  // Read after the run: one that ends in between shows no outputs that its lengths deny.
  if (run.endedAt === null) return { run, outputs: { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) } };
  return { run, outputs: await readRunOutputs(database, run.id) };
}
