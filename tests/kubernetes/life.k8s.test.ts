import { jest } from '@jest/globals';
import { saveItem } from '#api/commands/items/saveItem.ts';
import { agentSecretName, podName, volumeName } from '#shared/domain/podNames.ts';
import { listItems } from '#platform/db/repositories/items.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { createTestNamespace, storageClass, type TestNamespace } from '#tests/support/cluster.ts';
import { workspaceImage } from '#tests/support/images.ts';
import { killPod, objectsOfSession, runInPod } from '#tests/support/podPrograms.ts';
import { createSessionStack, fileOnVolume, runEnd, type SessionStack } from '#tests/support/sessionStack.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const MINUTE = 60_000;
jest.setTimeout(4 * MINUTE);

/** The cluster's classes by when they bind a claim; a cluster need not have both. */
const CLASSES = {
  'at once': await storageClass('Immediate'),
  'for the first pod': await storageClass('WaitForFirstConsumer'),
};

/** A stack whose sessions have a namespace of their own: a stack that stops ends all pods of its namespace. */
type Ground = SessionStack & { namespace: TestNamespace };

/** Most of the time of a life goes by waiting, so lives run beside each other; the test of each waits for its own. */
const journeys = new Map<string, Promise<void>>();
beforeAll(async () => {
  await workspaceImage();
  for (const name of Object.values(CLASSES)) if (name !== null) begin(journeys, name, liveOn(name));
}, 16 * MINUTE);

/** Its test tells of a failure, when its turn comes. */
function begin(runs: Map<string, Promise<void>>, name: string, run: Promise<void>): void {
  run.catch(() => undefined);
  runs.set(name, run);
}

async function startGround(settings: Record<string, string> = {}): Promise<Ground> {
  const namespace = await createTestNamespace({ BERTH_WORKSPACE_IMAGE: await workspaceImage() });
  const stack = await createSessionStack({ ...namespace.settings, ...settings });
  const stop = async (): Promise<void> => {
    await stack.stop();
    await namespace.drop();
  };
  return { ...stack, namespace, stop };
}

async function opened(stack: Ground): Promise<SessionRecord> {
  const session = await stack.newSession();
  await stack.open(session);
  return stack.reaches(session, 'running');
}

async function closed(stack: Ground, session: SessionRecord): Promise<void> {
  await stack.close(session);
  await stack.reaches(session, 'closed');
  expect(await stack.volumeState(session)).toBeNull();
  // Kubernetes collects what belonged to the claim, the last key among it, by itself.
  await waitFor(async () => (await objectsOfSession(stack.namespace, session.uuid)).length === 0, {
    deadlineMs: MINUTE,
    what: 'the end of the objects of the session',
  });
}

/** Saves a file as the editor does. */
async function save(stack: Ground, session: SessionRecord, content: string): Promise<void> {
  const main = (await listItems(stack.database, session.id)).find((item) => item.path === 'main.py')!;
  const now = await stack.read(session);
  const wanted = { content, encoding: 'utf8' as const };
  await saveItem(stack, { session: now, userId: now.userId, id: main.id, expectedVersion: main.version, wanted });
}

const inDatabase = (stack: Ground, session: SessionRecord, file: string, content: string): Promise<unknown> =>
  waitFor(async () => (await stack.fileInDatabase(session, file)) === content, {
    deadlineMs: MINUTE,
    what: `${file} in the database`,
  });

const onVolume = (stack: Ground, session: SessionRecord, file: string, content: string): Promise<unknown> =>
  waitFor(async () => (await fileOnVolume(stack, session, file)) === content, {
    deadlineMs: MINUTE,
    what: `${file} on the volume`,
  });

/** Opens, works, closes, and opens again, on volumes of that storage class. */
async function liveOn(storage: string): Promise<void> {
  const stack = await startGround({ BERTH_STORAGE_CLASS: storage });
  try {
    const session = await opened(stack);
    const { uuid } = session;
    expect((await objectsOfSession(stack.namespace, uuid)).sort()).toEqual([
      `persistentvolumeclaim/${volumeName(uuid)}`,
      `pod/${podName(uuid)}`,
      `secret/${agentSecretName(uuid, 1)}`,
    ]);
    await stack.type(session, 'python3 main.py > out.txt; mkdir -p a/b; echo hi > a/b/c.txt');
    await inDatabase(stack, session, 'a/b/c.txt', 'hi\n');
    await waitFor(async () => (await stack.fileInDatabase(session, 'out.txt')) !== null);
    await save(stack, session, 'print(7)\n');
    await onVolume(stack, session, 'main.py', 'print(7)\n');
    await stack.type(session, 'echo last > last.txt');
    await onVolume(stack, session, 'last.txt', 'last\n');
    await closed(stack, session);
    expect(await stack.fileInDatabase(session, 'last.txt')).toBe('last\n');
    await save(stack, session, 'print(8)\n');
    await stack.open(session);
    await stack.reaches(session, 'running', 2);
    await onVolume(stack, session, 'a/b/c.txt', 'hi\n');
    await onVolume(stack, session, 'main.py', 'print(8)\n');
    await closed(stack, session);
    expect(await runEnd(stack, session)).toBe('COMPLETED');
  } finally {
    await stack.stop();
  }
}

describe.each(Object.entries(CLASSES))('a session on a storage class that binds %s', (_binding, name) => {
  const itOnClass = name === null ? it.skip : it;

  itOnClass('lives, leaves nothing behind, and comes back with everything', async () => {
    await journeys.get(name ?? '');
  });
});

describe('on a cluster', () => {
  let stack: Ground;
  const cases = new Map<string, () => Promise<void>>();
  const runs = new Map<string, Promise<void>>();
  beforeAll(async () => {
    stack = await startGround();
    for (const [name, run] of cases) begin(runs, name, run());
  }, MINUTE);
  afterAll(() => stack.stop(), 2 * MINUTE);

  /** How often the session was in that phase. */
  async function timesIn(session: SessionRecord, phase: string): Promise<number> {
    const rows = await stack.database.query(
      `SELECT 1 FROM events WHERE subject = 'session' AND subject_id = $1 AND kind = 'phase' AND payload ->> 'phase' = $2`,
      [session.id, phase],
    );
    return rows.length;
  }

  cases.set(
    'a session whose pod is killed goes on in another, on the same volume, and what was newer on it is saved',
    async () => {
      const session = await opened(stack);
      await stack.type(session, 'echo newer > newer.txt');
      await onVolume(stack, session, 'newer.txt', 'newer\n');
      await killPod(stack.namespace, session.uuid);
      await waitFor(async () => (await timesIn(session, 'recovering')) === 1, { deadlineMs: MINUTE });
      await stack.reaches(session, 'running', 1);
      await inDatabase(stack, session, 'newer.txt', 'newer\n');
      await onVolume(stack, session, 'newer.txt', 'newer\n');
      await closed(stack, session);
    },
  );

  cases.set('an agent that a person kills is started again by its node, and the session recovers', async () => {
    const session = await opened(stack);
    const { bootId } = await stack.agent(session);
    await stack.type(session, 'echo newer > newer.txt; kill -9 $PPID');
    await waitFor(async () => (await timesIn(session, 'recovering')) === 1, { deadlineMs: MINUTE });
    await stack.reaches(session, 'running', 1);
    expect((await stack.agent(session)).bootId).not.toBe(bootId);
    await inDatabase(stack, session, 'newer.txt', 'newer\n');
    await closed(stack, session);
  });

  cases.set(
    'a pod that is killed while it closes is made again, and what was newer on its volume is saved',
    async () => {
      const session = await opened(stack);
      // It outlives SIGHUP, which holds the close open for its five seconds, and writes once the close has begun.
      await stack.type(
        session,
        `(trap 'echo newer > newer.txt' HUP; echo ready > ready.txt; while :; do sleep 0.1; done) &`,
      );
      await onVolume(stack, session, 'ready.txt', 'ready\n');
      // Looks from within, for there is no time to begin with it once the close has begun.
      const look = `trap '' HUP; echo looks > looks.txt; until [ -f newer.txt ]; do sleep 0.1; done`;
      const seen = runInPod(stack.namespace, session.uuid, look);
      seen.catch(() => undefined); // Awaited below, unless something fails before.
      await onVolume(stack, session, 'looks.txt', 'looks\n');
      await stack.close(session);
      await seen;
      await killPod(stack.namespace, session.uuid);
      await stack.reaches(session, 'closed');
      expect(await stack.fileInDatabase(session, 'newer.txt')).toBe('newer\n');
      await waitFor(async () => (await objectsOfSession(stack.namespace, session.uuid)).length === 0, {
        deadlineMs: MINUTE,
      });
    },
  );

  cases.set('an open while closing leads into the new generation with everything that was on the volume', async () => {
    const session = await opened(stack);
    await stack.type(session, `(trap '' HUP; sleep 300) & echo newer > newer.txt`);
    await onVolume(stack, session, 'newer.txt', 'newer\n');
    await stack.close(session);
    await stack.reaches(session, 'saving');
    await stack.open(session);
    await stack.reaches(session, 'running', 2);
    await onVolume(stack, session, 'newer.txt', 'newer\n');
    await inDatabase(stack, session, 'newer.txt', 'newer\n');
    // The key of the first generation's agent went with its pod.
    expect(
      (await objectsOfSession(stack.namespace, session.uuid)).filter((name) => name.startsWith('secret/')),
    ).toEqual([`secret/${agentSecretName(session.uuid, 2)}`]);
    await closed(stack, session);
  });

  cases.set('a close while loading deletes nothing in the database, and opening again brings everything', async () => {
    const session = await stack.newSession();
    await stack.database.query(
      `WITH file AS (SELECT n::text AS text, convert_to(n::text, 'UTF8') AS bytes FROM generate_series(1, 3000) AS n),
         blob AS (INSERT INTO blobs (sha256, bytes) SELECT encode(sha256(bytes), 'hex'), bytes FROM file
                  ON CONFLICT (sha256) DO UPDATE SET touched_at = now())
       INSERT INTO workspace_items (session_id, name, type, content, sha256, size, full_path)
       SELECT $1, 'file-' || text, 'file', text, encode(sha256(bytes), 'hex'), length(bytes), '' FROM file`,
      [session.id],
    );
    const count = (await listItems(stack.database, session.id)).length;
    await stack.open(session);
    await stack.reaches(session, 'loading');
    await closed(stack, session);
    expect(await timesIn(session, 'running')).toBe(0);
    expect(await listItems(stack.database, session.id)).toHaveLength(count);
    await stack.open(session);
    await stack.reaches(session, 'running', 2);
    await onVolume(stack, session, 'file-3000', '3000');
    await closed(stack, session);
    expect(await listItems(stack.database, session.id)).toHaveLength(count);
  });

  cases.set('a background job is ended before the last scan, and every line it wrote until then is saved', async () => {
    const session = await opened(stack);
    const job = `(trap '' HUP; i=0; while :; do i=$((i+1)); echo $i >> job.txt; sleep 0.01; done) & disown`;
    await stack.type(session, job);
    await waitFor(async () => (await fileOnVolume(stack, session, 'job.txt')) !== null);
    await closed(stack, session);
    const lines = (await stack.fileInDatabase(session, 'job.txt'))!.trimEnd().split('\n').map(Number);
    expect(lines.length).toBeGreaterThan(20);
    expect(lines).toEqual(lines.map((_, index) => index + 1));
  });

  it.each([...cases.keys()])('%s', async (name) => {
    await runs.get(name);
  });
});
