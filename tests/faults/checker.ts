import type { Config } from '#platform/config/config.ts';
import { createDatabase, type Database } from '#platform/db/database.ts';
import { createAgentPool } from '#platform/agent/agentPool.ts';
import { createLog } from '#platform/observability/log.ts';
import { findInstallationId } from '#platform/db/repositories/installation.ts';
import { createRuntime } from '#platform/runtime/createRuntime.ts';
import { createTemporal, type Temporal } from '#platform/temporal/client.ts';
import type { AgentPool } from '#platform/agent/AgentClient.ts';
import type { Runtime } from '#platform/runtime/Runtime.ts';
import { reviewWorkflowId } from '#shared/domain/review.ts';
import { sessionWorkflowId } from '#shared/domain/session.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/** A write that Berth said yes to: from then on these bytes must be found. */
export interface AcknowledgedWrite {
  sessionUuid: string;
  path: string;
  sha256: string;
}

interface Checked {
  database: Database;
  runtime: Runtime;
  agentPool: AgentPool;
  temporal: Temporal;
}

interface SessionRow {
  id: number;
  uuid: string;
  phase: string;
  generation: number;
}

/**
 * The end of every fault run: compares acknowledged writes, database, files on the pods, objects of the runtime and
 * workflow histories. Resolves with a sentence for each thing that is lost, left over or disagrees; none is right.
 * Everything has to be at rest: sessions are `running` or ended.
 */
export async function checkEverything(config: Config, writes: AcknowledgedWrite[]): Promise<string[]> {
  const log = createLog({ ...config, BERTH_LOG_LEVEL: 'silent' }, 'checker');
  const database = createDatabase(config);
  const runtime = await createRuntime({ config, log, installationId: () => findInstallationId(database) });
  const agentPool = createAgentPool({ runtime, secret: config.BERTH_SECRET, log });
  const temporal = createTemporal(config);
  const checked = { database, runtime, agentPool, temporal };
  try {
    await settleIntents(database);
    const sessions = await database.query<SessionRow>(
      'SELECT id, uuid, phase, generation FROM sessions WHERE deleted_at IS NULL ORDER BY id',
    );
    const found = [
      await lostWrites(database, writes),
      await brokenRows(database),
      await leftOverObjects(checked, sessions),
      await brokenWorkflows(checked, sessions),
    ];
    for (const session of sessions.filter(({ phase }) => phase === 'running')) {
      found.push(await differencesOnThePod(checked, session));
    }
    return found.flat();
  } finally {
    await agentPool.close();
    await runtime.close();
    await temporal.close();
    await database.close();
  }
}

/** An intent goes when the dispatcher next looks and finds its effect; one that stays is told by `brokenRows`. */
async function settleIntents(database: Database): Promise<void> {
  const noneLeft = async (): Promise<boolean> => (await database.query('SELECT 1 FROM intents LIMIT 1')).length === 0;
  await waitFor(noneLeft, { deadlineMs: 30_000, what: 'the outbox to be empty' }).catch(() => undefined);
}

/** Bytes that were acknowledged have to be at the path, or among its session's versions. */
async function lostWrites(database: Database, writes: AcknowledgedWrite[]): Promise<string[]> {
  const lost: string[] = [];
  for (const write of writes) {
    const rows = await database.query(
      `SELECT 1 FROM workspace_items i JOIN sessions s ON s.id = i.session_id WHERE s.uuid = $1 AND i.sha256 = $2
       UNION ALL SELECT 1 FROM file_versions v JOIN sessions s ON s.id = v.session_id JOIN blobs b ON b.sha256 = v.sha256
       WHERE s.uuid = $1 AND v.sha256 = $2 LIMIT 1`,
      [write.sessionUuid, write.sha256],
    );
    if (rows.length === 0) lost.push(`acknowledged and lost: ${write.path} (${write.sha256})`);
  }
  return lost;
}

/** What the database promises about itself. Each query names what breaks it. */
const BROKEN_ROWS: [string, string][] = [
  ['intents that were never carried out', `SELECT subject || ' ' || subject_id || ' ' || kind AS what FROM intents`],
  [
    'sessions that hang in a phase',
    `SELECT uuid || ' ' || phase AS what FROM sessions WHERE phase NOT IN ('running', 'closed', 'failed') AND deleted_at IS NULL`,
  ],
  ['warm slots that hang', `SELECT uuid || ' ' || state AS what FROM warm_slots WHERE state IN ('making', 'retiring')`],
  [
    'warm slots that are offered though a session has them',
    `SELECT w.uuid::text AS what FROM warm_slots w JOIN sessions s ON s.uuid = w.uuid WHERE w.state <> 'claimed'`,
  ],
  [
    'warm slots that were taken by no session',
    `SELECT w.uuid::text AS what FROM warm_slots w WHERE w.state = 'claimed'
     AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.uuid = w.uuid)`,
  ],
  [
    'volumes of sessions that ended, not kept',
    `SELECT s.uuid || ' ' || v.state AS what FROM volumes v JOIN sessions s ON s.id = v.session_id
     WHERE s.phase IN ('closed', 'failed') AND v.state <> 'kept'`,
  ],
  [
    'contents that differ from their digest',
    `SELECT full_path AS what FROM workspace_items WHERE type = 'file' AND sha256 <> encode(sha256(
       CASE encoding WHEN 'base64' THEN decode(content, 'base64') ELSE convert_to(content, 'UTF8') END), 'hex')`,
  ],
  [
    'blobs that differ from their digest',
    `SELECT sha256 AS what FROM blobs WHERE sha256 <> encode(sha256(bytes), 'hex')`,
  ],
  [
    'paths that differ from the tree',
    `WITH RECURSIVE tree AS (
       SELECT id, name AS path FROM workspace_items WHERE parent_id IS NULL
       UNION ALL SELECT w.id, t.path || '/' || w.name FROM workspace_items w JOIN tree t ON w.parent_id = t.id)
     SELECT w.full_path AS what FROM workspace_items w LEFT JOIN tree t USING (id) WHERE t.path IS DISTINCT FROM w.full_path`,
  ],
  [
    'events with a gap',
    `SELECT subject || ' ' || subject_id AS what FROM events GROUP BY subject, subject_id
     HAVING max(change_seq) - min(change_seq) + 1 <> count(*)`,
  ],
  [
    'histories of reviews whose chain is broken',
    `SELECT h.review_request_id || '/' || h.seq AS what FROM review_history h
     LEFT JOIN review_history p ON p.review_request_id = h.review_request_id AND p.seq = h.seq - 1
     WHERE h.row_hash <> review_history_hash(h) OR h.prev_hash <> coalesce(p.row_hash, repeat('0', 64))`,
  ],
  [
    'verdicts without their history',
    `SELECT r.id || ' ' || r.status AS what FROM review_requests r WHERE r.status IN ('approved', 'rejected')
     AND NOT EXISTS (SELECT 1 FROM review_history h WHERE h.review_request_id = r.id AND h.new_status = r.status)`,
  ],
];

async function brokenRows(database: Database): Promise<string[]> {
  const broken: string[] = [];
  for (const [rule, sql] of BROKEN_ROWS) {
    for (const { what } of await database.query<{ what: string }>(sql)) broken.push(`${rule}: ${what}`);
  }
  return broken;
}

/** Pods belong to running sessions and ready warm slots; volumes to those and to kept rows. */
async function leftOverObjects({ database, runtime }: Checked, sessions: SessionRow[]): Promise<string[]> {
  const slots = await database.query<{ uuid: string }>(`SELECT uuid FROM warm_slots WHERE state = 'ready'`);
  const running = new Set([...sessions.filter(({ phase }) => phase === 'running'), ...slots].map(({ uuid }) => uuid));
  const rows = await database.query<{ uuid: string }>(
    `SELECT s.uuid FROM volumes v JOIN sessions s ON s.id = v.session_id
     UNION SELECT uuid FROM warm_slots WHERE state = 'ready'`,
  );
  const withVolume = new Set(rows.map(({ uuid }) => uuid));
  const { pods, volumes } = await runtime.list();
  return [
    ...pods.filter(({ uuid }) => !running.has(uuid)).map(({ uuid }) => `left over: pod of ${uuid}`),
    ...volumes.filter(({ uuid }) => !withVolume.has(uuid)).map(({ uuid }) => `left over: volume of ${uuid}`),
    ...[...running].filter((uuid) => !pods.some((pod) => pod.uuid === uuid)).map((uuid) => `lost: pod of ${uuid}`),
    ...[...running]
      .filter((uuid) => !volumes.some((one) => one.uuid === uuid))
      .map((uuid) => `lost: volume of ${uuid}`),
  ];
}

/** A running session has a running workflow; one that ended has a completed one; a decided review too. */
async function brokenWorkflows({ database, temporal }: Checked, sessions: SessionRow[]): Promise<string[]> {
  const reviews = await database.query<{ id: number; open: boolean }>(
    `SELECT id, withdrawn_at IS NULL AND status IN ('pending', 'in_review') AS open FROM review_requests`,
  );
  const wanted = [
    ...sessions
      .filter(({ generation }) => generation > 0)
      .map(({ uuid, phase }) => ({
        id: sessionWorkflowId(uuid),
        status: phase === 'running' ? 'RUNNING' : 'COMPLETED',
      })),
    ...reviews.map(({ id, open }) => ({ id: reviewWorkflowId(id), status: open ? 'RUNNING' : 'COMPLETED' })),
  ];
  const broken: string[] = [];
  for (const { id, status } of wanted) {
    const handle = temporal.client.workflow.getHandle(id);
    let found = '';
    // A row says that its session ended a moment before the workflow that wrote it is done.
    await waitFor(
      async () => (found = (await temporal.within(10_000, () => handle.describe())).status.name) === status,
    ).catch(() => broken.push(`workflow ${id} is ${found}, not ${status}`));
  }
  return broken;
}

/** Once it is quiet, pod = base = database. A reconcile that is under way may come between two of the looks, or overtake them. */
async function differencesOnThePod(checked: Checked, session: SessionRow): Promise<string[]> {
  let found: string[] = [];
  await waitFor(async () => (found = await presentDifferences(checked, session)).length === 0).catch(
    (error: unknown) => {
      if (found.length === 0) throw error;
    },
  );
  return found;
}

async function presentDifferences({ database, agentPool }: Checked, session: SessionRow): Promise<string[]> {
  const rows = await database.query<{ path: string; sha256: string | null }>(
    'SELECT full_path AS path, sha256 FROM workspace_items WHERE session_id = $1',
    [session.id],
  );
  const base = await database.query<{ path: string; sha256: string | null }>(
    'SELECT b.path, b.sha256 FROM sync_base b JOIN volumes v ON v.id = b.volume_id WHERE v.session_id = $1',
    [session.id],
  );
  const [epoch] = await database.query<{ syncEpoch: number }>(
    'SELECT sync_epoch AS "syncEpoch" FROM sessions WHERE id = $1',
    [session.id],
  );
  const agent = await agentPool.get(session.uuid, session.generation);
  const keep = rows.map(({ path }) => path);
  const scan = (): ReturnType<typeof agent.manifest> => agent.manifest({ syncEpoch: epoch?.syncEpoch ?? 0, keep });
  // The first takes what the last reconcile wrote for what it was sent as; the second reads everything again.
  await scan();
  const { entries, complete } = await scan();
  if (!complete) return [`the pod of ${session.uuid} could not be read as a whole`];
  return [
    ...differences(`${session.uuid}: database and pod`, rows, entries),
    ...differences(`${session.uuid}: database and base`, rows, base),
  ];
}

interface Fingerprint {
  path: string;
  sha256: string | null;
}

function differences(what: string, left: Fingerprint[], right: Fingerprint[]): string[] {
  const lines = (entries: Fingerprint[]): Set<string> =>
    new Set(entries.map(({ path, sha256 }) => `${path} ${sha256 ?? 'folder'}`));
  const [here, there] = [lines(left), lines(right)];
  const apart = [...here].filter((line) => !there.has(line)).concat([...there].filter((line) => !here.has(line)));
  return apart.map((line) => `${what} differ at ${line}`);
}
