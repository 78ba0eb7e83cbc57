import type { Notification } from '#shared/contracts/notification.ts';
import { groupBySubject } from './notificationGroups.ts';

const told = (id: number, change: Partial<Notification>): Notification => ({
  id,
  kind: 'comments',
  review: null,
  session: null,
  summary: `number ${id}`,
  theirTurn: false,
  readAt: null,
  createdAt: '2026-01-01T00:00:00Z',
  ...change,
});

describe('notifications', () => {
  it('are grouped by what they are about, in the order of their newest, and lead there', () => {
    const review = { id: 7, title: 'Fractals' };
    const session = { uuid: 'b6c0', name: 'notes' };
    const groups = groupBySubject([
      told(4, { review }),
      told(3, { session, kind: 'conflict' }),
      told(2, { review, readAt: '2026-01-02T00:00:00Z' }),
      told(1, { review: { id: 8, title: 'Fractals' } }),
    ]);
    expect(
      groups.map(({ title, address, unread, items }) => [title, address, unread, items.map(({ id }) => id)]),
    ).toEqual([
      ['Fractals', '/reviews/7', 1, [4, 2]],
      ['notes', '/sessions/b6c0', 1, [3]],
      ['Fractals', '/reviews/8', 1, [1]],
    ]);
  });
});
