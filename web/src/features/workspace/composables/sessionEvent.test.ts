import { SessionEventPayloads, type BerthEvent } from '#shared/contracts/events.ts';
import { readSessionEvent } from './sessionEvent.ts';

const event = (kind: string, payload: unknown): BerthEvent => ({
  subject: { subject: 'session', uuid: '6f2c1f8e-8b5b-4a43-9d5c-0c4d8f1f6a10' },
  seq: 1,
  kind,
  payload,
  at: '2026-01-01T00:00:00Z',
});

describe("a session's event", () => {
  it('is read with its payload', () => {
    expect(readSessionEvent(event('conflict', { path: 'a.txt', copy: 'a (copy).txt' }))).toEqual({
      kind: 'conflict',
      payload: { path: 'a.txt', copy: 'a (copy).txt' },
    });
  });
  it('of a kind from a newer api is left alone', () => {
    expect(readSessionEvent(event('teleported', {}))).toBeNull();
    expect(readSessionEvent(event('toString', {}))).toBeNull();
  });
  it('with a payload that does not fit is left alone', () => {
    expect(readSessionEvent(event('closingSoon', { at: 5 }))).toBeNull();
    expect(readSessionEvent(event('items', null))).toBeNull();
  });
  it('of every kind that the contract allows is read', () => {
    const payloads: Record<keyof typeof SessionEventPayloads, unknown> = {
      phase: { phase: 'running', reason: null, generation: 1 },
      items: { paths: ['a'], truncated: false, source: 'editor' },
      conflict: { path: 'a', copy: 'b' },
      notSaved: { entries: [{ path: 'a', reason: 'ignored' }] },
      closingSoon: { at: '2026-01-01T00:00:00Z', reason: 'idle' },
      volumeExpires: { until: '2026-05-02T12:00:00Z' },
      session: {},
      review: { reviewId: 1 },
      run: { runId: 1, status: 'running' },
    };
    for (const [kind, payload] of Object.entries(payloads)) {
      expect(SessionEventPayloads[kind as keyof typeof payloads].safeParse(payload).success).toBe(true);
      expect(readSessionEvent(event(kind, payload))).toEqual({ kind, payload });
    }
  });
});
