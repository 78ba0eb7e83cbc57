import { randomUUID } from 'node:crypto';
import { setWarmPool } from '#platform/db/repositories/warmPool.ts';
import { retireWarmSlots } from '#platform/db/repositories/warmSlots.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { build } from '#tests/support/factories.ts';
import { createAndOpen } from '#tests/support/warmPool.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
  await setWarmPool(test.database, { size: 30, specification: 'now' });
});
afterAll(() => test.drop());

/** Slots that are offered until so many milliseconds from now, with a pod that nobody looks at. */
async function offer(slots: {
  count: number;
  specification?: string;
  expiresInMs: (index: number) => number;
}): Promise<string[]> {
  const { count, specification = 'now', expiresInMs } = slots;
  const uuids = Array.from({ length: count }, () => randomUUID());
  for (const [index, uuid] of uuids.entries()) {
    await test.database.query(
      `INSERT INTO warm_slots (uuid, spec_hash, state, claim_uid, pod_uid, expires_at)
       VALUES ($1::uuid, $2, 'ready', 'claim of ' || $1::uuid, 'pod', clock_timestamp() + make_interval(secs => $3))`,
      [uuid, specification, expiresInMs(index) / 1_000],
    );
  }
  return uuids;
}

interface SlotRow {
  uuid: string;
  state: string;
  volumeId: number;
  sessionId: number | null;
  sessionVolumeId: number | null;
}

function readSlots(): Promise<SlotRow[]> {
  return test.database.query<SlotRow>(
    `SELECT w.uuid, w.state, w.volume_id AS "volumeId", s.id AS "sessionId", v.id AS "sessionVolumeId"
     FROM warm_slots w LEFT JOIN sessions s ON s.uuid = w.uuid LEFT JOIN volumes v ON v.session_id = s.id
       AND v.claim_uid = 'claim of ' || w.uuid`,
  );
}

describe('fifty people who make and open a session while slots expire', () => {
  it('get fifty sessions; no slot is two’s, and none is handed out that is expired, out of date or retired', async () => {
    const useless = [
      ...(await offer({ count: 5, expiresInMs: () => -1 })),
      ...(await offer({ count: 5, specification: 'before', expiresInMs: () => 3_600_000 })),
    ];
    await offer({ count: 15, expiresInMs: () => 3_600_000 });
    await offer({ count: 15, expiresInMs: (index) => index * 20 });

    const progress = { going: true };
    const expiring = (async () => {
      while (progress.going) await retireWarmSlots(test.database, { specification: 'now', size: 25 });
    })();
    const sessions = await Promise.all(Array.from({ length: 50 }, () => createAndOpen(test)));
    progress.going = false;
    await expiring;

    expect(new Set(sessions.map(({ uuid }) => uuid)).size).toBe(50);
    expect(sessions.every(({ phase, generation }) => phase === 'requested' && generation === 1)).toBe(true);
    const slots = await readSlots();
    const taken = slots.filter(({ state }) => state === 'claimed');
    expect(taken.length).toBeGreaterThan(0);
    expect(taken.length).toBeLessThanOrEqual(30);
    for (const slot of taken) expect(slot.sessionVolumeId).toBe(slot.volumeId);
    // Of all others none is a session's.
    expect(slots.filter(({ state, sessionId }) => state !== 'claimed' && sessionId !== null)).toEqual([]);
    expect(taken.filter(({ uuid }) => useless.includes(uuid))).toEqual([]);
  });

  it('leave the slot to others when their session is not made after all', async () => {
    const [uuid] = await offer({ count: 1, expiresInMs: () => 3_600_000 });
    await test.database.query(`UPDATE warm_slots SET created_at = now() - interval '1 day' WHERE uuid = $1`, [uuid]);
    // Another session has the volume's number by mistake: the row of the new one's volume is refused.
    const { id: sessionId } = await build.session(test.database);
    await test.database.query(
      `INSERT INTO volumes (id, session_id) SELECT volume_id, $2 FROM warm_slots WHERE uuid = $1`,
      [uuid, sessionId],
    );
    await expect(createAndOpen(test)).rejects.toThrow();
    const slots = await readSlots();
    expect(slots.find((slot) => slot.uuid === uuid)).toMatchObject({ state: 'ready', sessionId: null });
  });
});
