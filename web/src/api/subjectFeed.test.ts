import type { BerthEvent, Subject } from '#shared/contracts/events.ts';
import { SubjectFeed, subjectKey } from './subjectFeed.ts';

const subject: Subject = { subject: 'review', id: 5 };
const event = (seq: number): BerthEvent => ({ subject, seq, kind: 'review', payload: {}, at: '2026-01-01T00:00:00Z' });

function feedFrom(afterSeq: number | null, present: number | null = 10) {
  const seen: (number | 'reset')[] = [];
  const asked: (number | null)[] = [];
  const feed = new SubjectFeed(
    subject,
    { event: ({ seq }) => seen.push(seq), reset: () => seen.push('reset') },
    {
      afterSeq,
      send: async (_to, after) => {
        asked.push(after);
        return present;
      },
    },
  );
  return { feed, seen, asked };
}

describe('the events of a subject', () => {
  it('are delivered once and in order, whatever is sent again after a reconnect', () => {
    const { feed, seen } = feedFrom(3);
    for (const seq of [3, 4, 5, 4, 5, 6]) feed.receive(event(seq));
    expect(seen).toEqual([4, 5, 6]);
  });

  it('are asked for from the last one delivered, on every reconnect', async () => {
    const { feed, asked } = feedFrom(3);
    await feed.join();
    feed.receive(event(4));
    await feed.join();
    expect(asked).toEqual([3, 4]);
  });

  it('start at the present when no place was known', async () => {
    const { feed, asked, seen } = feedFrom(null, 10);
    await feed.join();
    feed.receive(event(10));
    feed.receive(event(11));
    await feed.join();
    expect(seen).toEqual([11]);
    expect(asked).toEqual([null, 11]);
  });

  it('keep their place when a subscription is refused', async () => {
    const { feed, asked } = feedFrom(2, null);
    await feed.join();
    await feed.join();
    expect(asked).toEqual([2, 2]);
  });

  it('go on after a reset from the number that came with it', () => {
    const { feed, seen } = feedFrom(3);
    feed.receiveReset(90);
    feed.receive(event(90));
    feed.receive(event(91));
    expect(seen).toEqual(['reset', 91]);
  });

  it('have one key per subject', () => {
    expect(subjectKey(subject)).toBe('review/5');
    expect(subjectKey({ subject: 'session', uuid: 'u' })).toBe('session/u');
  });
});
