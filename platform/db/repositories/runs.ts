import { isEndedRun, type RunEnd, type RunLimit, type RunStatus, type RunStream } from '#shared/domain/run.ts';
import type { RunCommand, RunInput } from '#shared/domain/runCommand.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { publishSessionEvent } from '#platform/db/repositories/events.ts';
import { lockSessionById } from '#platform/db/repositories/sessions.ts';

/** A row of `runs` without input and outputs. */
export interface RunRecord {
  id: number;
  sessionId: number;
  sessionUuid: string;
  requestedBy: { id: number; username: string } | null;
  command: RunCommand;
  timeLimitSeconds: number;
  outputLimitBytes: number;
  status: RunStatus;
  reason: string | null;
  cancelRequestedAt: Date | null;
  /** The opening of the session, and the life of its agent, in which it was started; null before. */
  generation: number | null;
  bootId: string | null;
  manifestSha256: string | null;
  exitCode: number | null;
  signal: string | null;
  stdout: { bytes: number; kept: number };
  stderr: { bytes: number; kept: number };
  limitsHit: RunLimit[];
  createdAt: Date;
  startedAt: Date | null;
  endedAt: Date | null;
  durationMs: number | null;
}

/** What a run is made from. */
export interface NewRun {
  sessionId: number;
  requestedBy: number;
  command: RunCommand;
  input: RunInput;
  timeLimitSeconds: number;
  outputLimitBytes: number;
}

/** How a run ended. `program` is null when nothing was started, or nothing is known of it. */
export interface RunEnding {
  status: RunEnd;
  reason: string | null;
  program: {
    exitCode: number | null;
    signal: string | null;
    durationMs: number;
    limitsHit: RunLimit[];
    stdout: { bytes: number; kept: Uint8Array };
    stderr: { bytes: number; kept: Uint8Array };
  } | null;
}

/** The columns of a run under the names of RunRecord; `r` is the run, `s` its session, `u` who asked for it. */
export const RUN_COLUMNS = `r.id, r.session_id AS "sessionId", s.uuid AS "sessionUuid",
  CASE WHEN u.id IS NULL THEN NULL ELSE json_build_object('id', u.id, 'username', u.username) END AS "requestedBy",
  r.command, r.time_limit_seconds AS "timeLimitSeconds", r.output_limit_bytes AS "outputLimitBytes", r.status, r.reason,
  r.cancel_requested_at AS "cancelRequestedAt", r.generation, r.boot_id AS "bootId", r.manifest_sha256 AS "manifestSha256",
  r.exit_code AS "exitCode", r.signal,
  json_build_object('bytes', r.stdout_bytes, 'kept', coalesce(length(r.stdout), 0)) AS stdout,
  json_build_object('bytes', r.stderr_bytes, 'kept', coalesce(length(r.stderr), 0)) AS stderr,
  r.limits_hit AS "limitsHit", r.created_at AS "createdAt", r.started_at AS "startedAt", r.ended_at AS "endedAt",
  r.duration_ms::float8 AS "durationMs"`;
const SELECT = `SELECT ${RUN_COLUMNS} FROM runs r JOIN sessions s ON s.id = r.session_id LEFT JOIN users u ON u.id = r.requested_by`;

/** Inserts a run that waits for its workflow, with its event. The caller holds the session's row. */
export async function insertRun(database: Database, run: NewRun, tx: Tx): Promise<RunRecord> {
  const rows = await database.query<{ id: number }>(
    `INSERT INTO runs (session_id, requested_by, command, input, time_limit_seconds, output_limit_bytes)
     VALUES ($1, $2, $3, $4, $5, $6) RETURNING id`,
    [
      run.sessionId,
      run.requestedBy,
      JSON.stringify(run.command),
      JSON.stringify(run.input),
      run.timeLimitSeconds,
      run.outputLimitBytes,
    ],
    tx,
  );
  const inserted = (await findRunById(database, rows[0]!.id, tx))!;
  await publishRun(database, inserted, tx);
  return inserted;
}

/** How many runs of the session have not ended. */
export async function countLiveRuns(database: Database, sessionId: number, tx: Tx): Promise<number> {
  const rows = await database.query<{ live: number }>(
    `SELECT count(*)::integer AS live FROM runs WHERE session_id = $1 AND ended_at IS NULL`,
    [sessionId],
    tx,
  );
  return rows[0]?.live ?? 0;
}

/** A run by id; null when there is none. */
export async function findRunById(database: Database, id: number, tx: Tx = null): Promise<RunRecord | null> {
  const rows = await database.query<RunRecord>(`${SELECT} WHERE r.id = $1`, [id], tx);
  return rows[0] ?? null;
}

/** The session's runs, newest first, those with an id below `cursor` when one is given. */
export function listRuns(
  database: Database,
  page: { sessionId: number; cursor: number | null; limit: number },
): Promise<RunRecord[]> {
  return database.query<RunRecord>(
    `${SELECT} WHERE r.session_id = $1 AND ($2::integer IS NULL OR r.id < $2) ORDER BY r.id DESC LIMIT $3`,
    [page.sessionId, page.cursor, page.limit],
  );
}

/** What is kept of the outputs of a run that has ended; empty for any other. */
export async function readRunOutputs(database: Database, id: number): Promise<{ stdout: Buffer; stderr: Buffer }> {
  const rows = await database.query<{ stdout: Buffer; stderr: Buffer }>(
    `SELECT coalesce(stdout, '') AS stdout, coalesce(stderr, '') AS stderr FROM runs WHERE id = $1`,
    [id],
  );
  return rows[0] ?? { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
}

/** At most `bytes` of what is kept of one of those outputs, from `offset` on; empty at its end. */
export async function readRunOutputPiece(
  database: Database,
  id: number,
  { stream, offset, bytes }: { stream: RunStream; offset: number; bytes: number },
): Promise<Buffer> {
  const rows = await database.query<{ piece: Buffer | null }>(
    `SELECT substring(CASE $2 WHEN 'stdout' THEN stdout ELSE stderr END FROM $3::integer + 1 FOR $4::integer) AS piece
     FROM runs WHERE id = $1`,
    [id, stream, offset, bytes],
  );
  return rows[0]?.piece ?? Buffer.alloc(0);
}

/** The values that a run needs; null once it has ended. */
export async function readRunInput(database: Database, id: number): Promise<RunInput | null> {
  const rows = await database.query<{ input: RunInput | null }>(`SELECT input FROM runs WHERE id = $1`, [id]);
  return rows[0]?.input ?? null;
}

/** Its workflow has begun. Answers the run, null when it has ended or was erased. Doing it twice changes nothing. */
export function admitRun(database: Database, id: number): Promise<RunRecord | null> {
  return changeRun(database, id, async (run, tx) => {
    if (run.status !== 'queued') return false;
    await database.query(`UPDATE runs SET status = 'starting', updated_at = now() WHERE id = $1`, [id], tx);
    return true;
  });
}

/** Notes the files that it begins with: those that are saved at this moment. */
export async function writeRunManifest(
  database: Database,
  { id, manifestSha256 }: { id: number; manifestSha256: string | null },
  tx: Tx,
): Promise<void> {
  await database.query(
    `UPDATE runs SET manifest_sha256 = $2, updated_at = now() WHERE id = $1 AND boot_id IS NULL`,
    [id, manifestSha256],
    tx,
  );
}

/**
 * Binds a run to the life of the agent in which it is started now, before that is done. Answers the run as it then is: bound
 * to another life when it was started before, without any when it is to be cancelled; null when it has ended.
 */
export function bindRun(
  database: Database,
  { id, generation, bootId }: { id: number; generation: number; bootId: string },
): Promise<RunRecord | null> {
  return changeRun(database, id, async (run, tx) => {
    if (run.bootId !== null || run.cancelRequestedAt !== null) return false;
    await database.query(
      `UPDATE runs SET status = 'running', generation = $2, boot_id = $3, started_at = now(), updated_at = now() WHERE id = $1`,
      [id, generation, bootId],
      tx,
    );
    return true;
  });
}

/** Asks for the end of a run. Answers it, null when it has ended. Asking twice changes nothing. */
export function requestRunCancel(database: Database, id: number, tx: Tx = null): Promise<RunRecord | null> {
  return changeRun(
    database,
    id,
    async (run, inTx) => {
      if (run.cancelRequestedAt !== null) return false;
      await database.query(`UPDATE runs SET cancel_requested_at = now(), updated_at = now() WHERE id = $1`, [id], inTx);
      return true;
    },
    tx,
  );
}

/** Writes the receipt; what the run needed goes. Answers it, null when it had ended before, or was erased. */
export function endRun(database: Database, id: number, ending: RunEnding, tx: Tx = null): Promise<RunRecord | null> {
  const { status, reason, program } = ending;
  return changeRun(
    database,
    id,
    async (_run, inTx) => {
      await database.query(
        `UPDATE runs SET status = $2, reason = $3, input = NULL, ended_at = now(), updated_at = now(), exit_code = $4, signal = $5,
           duration_ms = $6, limits_hit = $7, stdout = $8, stderr = $9, stdout_bytes = $10, stderr_bytes = $11 WHERE id = $1`,
        [
          id,
          status,
          reason?.slice(0, 1_000) ?? null,
          program?.exitCode ?? null,
          program?.signal ?? null,
          program?.durationMs ?? null,
          program?.limitsHit ?? [],
          program === null ? null : Buffer.from(program.stdout.kept),
          program === null ? null : Buffer.from(program.stderr.kept),
          program?.stdout.bytes ?? 0,
          program?.stderr.bytes ?? 0,
        ],
        inTx,
      );
      return true;
    },
    tx,
  );
}

/** Changes a run that has not ended, under its session's lock, with its event when something changed. */
async function changeRun(
  database: Database,
  id: number,
  change: (run: RunRecord, tx: Tx) => Promise<boolean>,
  tx: Tx = null,
): Promise<RunRecord | null> {
  const work = async (inTx: Tx): Promise<RunRecord | null> => {
    const found = await findRunById(database, id, inTx);
    if (found === null) return null;
    // The session's row first, as everybody does who tells of a session: the other order could deadlock.
    await lockSessionById(database, found.sessionId, inTx);
    const run = await findRunById(database, id, inTx);
    if (run === null || isEndedRun(run.status)) return null;
    if (!(await change(run, inTx))) return run;
    const changed = (await findRunById(database, id, inTx))!;
    await publishRun(database, changed, inTx);
    return changed;
  };
  return tx === null ? database.transaction(work) : work(tx);
}

async function publishRun(database: Database, run: RunRecord, tx: Tx): Promise<void> {
  const payload = { runId: run.id, status: run.status };
  await publishSessionEvent(database, { sessionId: run.sessionId, kind: 'run', payload }, tx);
}
