import { QUIET_MS, SYNC_EVERY_MS, SyncPacer } from '#activities/session/syncPacer.ts';

describe('the pace of syncs', () => {
  it('waits for a quiet moment', () => {
    const pacer = new SyncPacer();
    pacer.mark('volume', 0);
    pacer.mark('volume', 200);
    expect(pacer.dueAt).toBe(200 + QUIET_MS);
    expect(pacer.take(200 + QUIET_MS - 1).size).toBe(0);
    expect([...pacer.take(200 + QUIET_MS)]).toEqual(['volume']);
    expect(pacer.dueAt).toBeNull();
  });

  it('does not wait for ever for a writer that never pauses', () => {
    const pacer = new SyncPacer();
    for (let now = 0; now <= 10_000; now += 100) pacer.mark('volume', now);
    expect(pacer.dueAt).toBe(SYNC_EVERY_MS);
  });

  it('asks at most every second', () => {
    const pacer = new SyncPacer();
    pacer.mark('volume', 0);
    pacer.take(QUIET_MS);
    pacer.asked(QUIET_MS);
    pacer.mark('database', 400);
    expect(pacer.dueAt).toBe(QUIET_MS + SYNC_EVERY_MS);
  });

  it('keeps what is marked while a sync is asked for', () => {
    const pacer = new SyncPacer();
    pacer.mark('database', 0);
    pacer.take(1_000);
    pacer.mark('volume', 1_001);
    pacer.asked(1_002);
    expect(pacer.dueAt).toBe(1_002 + SYNC_EVERY_MS);
  });
});
