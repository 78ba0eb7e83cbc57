import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { build } from '#tests/support/factories.ts';
import type { PodCause } from '#shared/domain/podCause.ts';
import type { SessionPhase } from '#shared/domain/session.ts';
import {
  deleteIntent,
  findSessionIntent,
  intentIsDone,
  postponeIntent,
  takeDueIntent,
} from '#platform/db/repositories/intents.ts';
import { admitSession, listStages, writePhase } from '#platform/db/repositories/sessionPhases.ts';
import { discardVolumeRow } from '#platform/db/repositories/sessionDiscards.ts';
import {
  closeAbandonedSession,
  insertOpening,
  requestClose,
  requestOpen,
} from '#platform/db/repositories/sessionRequests.ts';
import { trashSession } from '#platform/db/repositories/sessionTrash.ts';
import {
  countLiveSessions,
  findSession,
  findSessionById,
  insertSession,
  listSessions,
  type SessionRecord,
} from '#platform/db/repositories/sessions.ts';
import { insertVolume } from '#platform/db/repositories/volumes.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

async function newSession(): Promise<SessionRecord> {
  const { id: userId } = await build.user(test.database);
  return insertSession(test.database, { userId, name: 'fractals', language: 'python' });
}
const open = (session: SessionRecord) => test.database.transaction((tx) => requestOpen(test.database, session, tx));
const close = (session: SessionRecord) =>
  test.database.transaction((tx) => requestClose(test.database, session, { actor: 'alice', reason: 'user' }, tx));
const write = (session: SessionRecord, generation: number, phase: SessionPhase) =>
  writePhase(test.database, { sessionId: session.id, generation, phase, reason: null });

async function phaseEvents(session: SessionRecord): Promise<string[]> {
  const rows = await test.database.query<{ told: string }>(
    `SELECT (payload ->> 'generation') || ' ' || (payload ->> 'phase') AS told FROM events
     WHERE subject = 'session' AND subject_id = $1 AND kind = 'phase' ORDER BY change_seq`,
    [session.id],
  );
  return rows.map((row) => row.told);
}

describe('asking for an opening', () => {
  it('raises the generation, writes one intent and tells of it, in one transaction', async () => {
    const session = await newSession();
    const { opId, session: opened } = await open(session);
    expect(opened).toMatchObject({ phase: 'requested', generation: 1, isActive: true });
    const intent = await findSessionIntent(test.database, { sessionId: session.id, generation: 1, kind: 'open' });
    expect(intent).toMatchObject({ opId, attempts: 0 });
    expect(await phaseEvents(session)).toEqual(['1 requested']);
  });

  it('changes nothing while the session is open', async () => {
    const session = await newSession();
    const first = await open(session);
    expect((await open(session)).opId).toBe(first.opId);
    await write(session, 1, 'running');
    expect((await open(session)).session.generation).toBe(1);
    expect(await countLiveSessions(test.database, session.userId)).toBe(1);
  });

  it.each(['saving', 'closing', 'closed', 'failed'] as const)('opens anew from %s', async (phase) => {
    const session = await newSession();
    await open(session);
    await write(session, 1, phase);
    expect((await open(session)).session).toMatchObject({ phase: 'requested', generation: 2 });
  });

  it('opens anew when a close was asked for and is not carried out yet', async () => {
    const session = await newSession();
    await open(session);
    await write(session, 1, 'running');
    await close(session);
    expect((await open(session)).session).toMatchObject({ phase: 'requested', generation: 2 });
  });

  it('leaves nothing behind when its transaction fails', async () => {
    const session = await newSession();
    await expect(
      test.database.transaction(async (tx) => {
        await requestOpen(test.database, session, tx);
        throw new Error('the caller failed');
      }),
    ).rejects.toThrow('the caller failed');
    expect(await findSessionById(test.database, session.id)).toMatchObject({
      phase: 'closed',
      generation: 0,
      changeSeq: 0,
    });
  });
});

describe('the cause node-lost', () => {
  /** A session that closes, or has closed, with that cause. */
  async function ending(phase: SessionPhase, cause: PodCause): Promise<SessionRecord> {
    const session = await newSession();
    await open(session);
    return (await writePhase(test.database, { sessionId: session.id, generation: 1, phase, reason: 'user', cause }))!;
  }

  it('outlives an opening of a session that still closes: what is on the volume is as much in doubt as before', async () => {
    const session = await ending('closing', 'node-lost');
    const { session: opened } = await open(session);
    expect(opened).toMatchObject({ phase: 'requested', generation: 2, phaseCause: 'node-lost' });
    const admitted = await admitSession(test.database, { sessionId: session.id, generation: 2 });
    expect(admitted).toMatchObject({ phase: 'provisioning', phaseCause: 'node-lost' });
    await write(session, 2, 'loading');
    expect((await findSessionById(test.database, session.id))?.phaseCause).toBeNull();
  });

  it('is forgotten by an opening once the volume is given up, and by one of a session that has closed', async () => {
    const givenUp = await ending('closing', 'node-lost');
    const { session: opened } = await test.database.transaction(async (tx) => {
      await insertVolume(test.database, givenUp.id, tx);
      await discardVolumeRow(test.database, givenUp.id, tx);
      return insertOpening(test.database, givenUp, tx);
    });
    expect(opened.phaseCause).toBeNull();
    expect((await open(await ending('closed', 'node-lost'))).session.phaseCause).toBeNull();
    expect((await open(await ending('closing', 'cluster-unreachable'))).session.phaseCause).toBeNull();
  });
});

describe('a session that nobody closes any more', () => {
  const closeAbandoned = (session: SessionRecord) =>
    test.database.transaction((tx) =>
      closeAbandonedSession(test.database, session, { actor: 'the reaper', reason: 'operator' }, tx),
    );
  const intents = (session: SessionRecord) =>
    test.database.query(
      `SELECT kind, generation FROM intents WHERE subject = 'session' AND subject_id = $1 AND generation > 1 ORDER BY id`,
      [session.id],
    );

  it.each(['saving', 'closing'] as const)('is opened from %s, and closed at once', async (phase) => {
    const session = await newSession();
    await open(session);
    await closeAbandoned((await write(session, 1, phase))!);
    expect(await findSessionById(test.database, session.id)).toMatchObject({ phase: 'requested', generation: 2 });
    expect(await intents(session)).toEqual([
      { kind: 'open', generation: 2 },
      { kind: 'close', generation: 2 },
    ]);
  });

  it('is closed as it is when its close had not begun', async () => {
    const session = await newSession();
    await open(session);
    await closeAbandoned((await write(session, 1, 'running'))!);
    expect(await findSessionById(test.database, session.id)).toMatchObject({ phase: 'running', generation: 1 });
    expect(
      await findSessionIntent(test.database, { sessionId: session.id, generation: 1, kind: 'close' }),
    ).not.toBeNull();
  });

  it('stays as it is when somebody opened it meanwhile', async () => {
    const session = await newSession();
    await open(session);
    const before = (await write(session, 1, 'closing'))!;
    await open(session);
    await closeAbandoned(before);
    expect(await intents(session)).toEqual([{ kind: 'open', generation: 2 }]);
  });
});

describe('asking for a close', () => {
  it('writes one intent however often it is asked', async () => {
    const session = await newSession();
    await open(session);
    const first = await close(session);
    expect((await close(session)).opId).toBe(first.opId);
    const intent = await findSessionIntent(test.database, { sessionId: session.id, generation: 1, kind: 'close' });
    expect(intent?.payload).toEqual({ actor: 'alice', reason: 'user' });
  });

  it.each(['saving', 'closed'] as const)('writes none in phase %s', async (phase) => {
    const session = await newSession();
    await open(session);
    await write(session, 1, phase);
    await close(session);
    expect(await findSessionIntent(test.database, { sessionId: session.id, generation: 1, kind: 'close' })).toBeNull();
  });
});

describe('writing a phase', () => {
  it('of an older generation meets no row and tells nobody', async () => {
    const session = await newSession();
    await open(session);
    await write(session, 1, 'saving');
    await open(session);
    expect(await write(session, 1, 'closed')).toBeNull();
    expect(await findSessionById(test.database, session.id)).toMatchObject({ phase: 'requested', generation: 2 });
    expect(await phaseEvents(session)).toEqual(['1 requested', '1 saving', '2 requested']);
  });

  it('twice tells once', async () => {
    const session = await newSession();
    await open(session);
    expect(await write(session, 1, 'provisioning')).not.toBeNull();
    expect(await write(session, 1, 'provisioning')).not.toBeNull();
    expect(await phaseEvents(session)).toEqual(['1 requested', '1 provisioning']);
  });

  it('never brings an ended session back', async () => {
    const session = await newSession();
    await open(session);
    await write(session, 1, 'closed');
    expect(await write(session, 1, 'saving')).toBeNull();
    expect(await write(session, 1, 'closed')).not.toBeNull();
  });
});

describe('admission', () => {
  it('passes once requested and again when it is retried, and refuses a stale run', async () => {
    const session = await newSession();
    await open(session);
    const ref = { sessionId: session.id, generation: 1 };
    expect((await admitSession(test.database, ref))?.phase).toBe('provisioning');
    expect((await admitSession(test.database, ref))?.phase).toBe('provisioning');
    expect(await phaseEvents(session)).toEqual(['1 requested', '1 provisioning']);
    await write(session, 1, 'loading');
    expect(await admitSession(test.database, ref)).toBeNull();
    await write(session, 1, 'closing');
    await open(session);
    expect(await admitSession(test.database, ref)).toBeNull();
    expect(await findSessionById(test.database, session.id)).toMatchObject({ phase: 'requested', generation: 2 });
  });
});

describe('stages', () => {
  it('come from the events of one generation, with their seconds', async () => {
    const session = await newSession();
    await open(session);
    await write(session, 1, 'saving');
    await open(session);
    await admitSession(test.database, { sessionId: session.id, generation: 2 });
    await write(session, 2, 'loading');
    const stages = await listStages(test.database, session.id, 2);
    expect(stages.map((stage) => stage.phase)).toEqual(['requested', 'provisioning', 'loading']);
    for (const stage of stages) expect(stage.seconds).toBeGreaterThanOrEqual(0);
    const [first, second] = stages;
    expect(first!.startedAt.getTime() + first!.seconds * 1_000).toBeCloseTo(second!.startedAt.getTime(), -1);
  });
});

describe('the trash', () => {
  it('hides the session, asks a live one to close, and is refused while a review is open', async () => {
    const session = await newSession();
    await open(session);
    const review = await build.review(test.database, { sessionUuid: session.uuid, submittedBy: session.userId });
    const trash = () =>
      test.database.transaction((tx) => trashSession(test.database, { id: session.id, actor: 'alice' }, tx));
    await expect(trash()).rejects.toMatchObject({ code: 'SESSION_HAS_OPEN_REVIEW' });
    await test.database.query(`UPDATE review_requests SET withdrawn_at = now() WHERE id = $1`, [review.id]);
    await trash();
    expect(await findSession(test.database, session.uuid)).toBeNull();
    expect(await listSessions(test.database, { userId: session.userId, cursor: null, limit: 10 })).toEqual([]);
    expect(
      await findSessionIntent(test.database, { sessionId: session.id, generation: 1, kind: 'close' }),
    ).not.toBeNull();
  });
});

describe('the outbox', () => {
  beforeEach(() => test.database.query('DELETE FROM intents'));

  it('gives a subject’s intents in order and one at a time', async () => {
    const session = await newSession();
    const other = await newSession();
    await open(session);
    await close(session);
    await open(other);
    await test.database.transaction(async (first) => {
      const held = await takeDueIntent(test.database, first);
      expect(held).toMatchObject({ subjectId: session.id, kind: 'open' });
      await test.database.transaction(async (second) => {
        expect(await takeDueIntent(test.database, second)).toMatchObject({ subjectId: other.id });
      });
      await deleteIntent(test.database, held!.id, first);
    });
    await test.database.transaction(async (tx) => {
      expect(await takeDueIntent(test.database, tx)).toMatchObject({ subjectId: session.id, kind: 'close' });
    });
  });

  it('waits with a failed intent and with all that follow it', async () => {
    const session = await newSession();
    await open(session);
    await close(session);
    await test.database.transaction(async (tx) => {
      const intent = await takeDueIntent(test.database, tx);
      await postponeIntent(test.database, { id: intent!.id, seconds: 60, lastError: 'no server' }, tx);
    });
    await test.database.transaction(async (tx) => expect(await takeDueIntent(test.database, tx)).toBeNull());
  });

  it('shows an opening as done once it was admitted or replaced, and a close once saving began', async () => {
    const session = await newSession();
    await open(session);
    await close(session);
    const [opening, closing] = await Promise.all(
      (['open', 'close'] as const).map((kind) =>
        findSessionIntent(test.database, { sessionId: session.id, generation: 1, kind }),
      ),
    );
    const done = async () => [
      await intentIsDone(test.database, opening!, null),
      await intentIsDone(test.database, closing!, null),
    ];
    expect(await done()).toEqual([false, false]);
    await write(session, 1, 'provisioning');
    expect(await done()).toEqual([true, false]);
    await write(session, 1, 'saving');
    expect(await done()).toEqual([true, true]);
    await open(session);
    expect(await done()).toEqual([true, true]);
  });
});
