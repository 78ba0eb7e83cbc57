import type { Notification } from '#shared/contracts/notification.ts';

/** Notifications about one review or session, the newest first. */
export interface NotificationGroup {
  key: string;
  title: string;
  /** The page that they are about. */
  address: string;
  unread: number;
  items: Notification[];
}

/** Groups what came newest first by what it is about; the group with the newest comes first. */
export function groupBySubject(notifications: readonly Notification[]): NotificationGroup[] {
  const groups = new Map<string, NotificationGroup>();
  for (const one of notifications) {
    const { key, title, address } = subjectOf(one);
    const group = groups.get(key) ?? { key, title, address, unread: 0, items: [] };
    group.items.push(one);
    if (one.readAt === null) group.unread += 1;
    groups.set(key, group);
  }
  return [...groups.values()];
}

function subjectOf({ review, session }: Notification): { key: string; title: string; address: string } {
  if (review !== null) {
    return { key: `review ${review.id}`, title: review.title, address: `/reviews/${review.id}` };
  }
  const uuid = session?.uuid ?? '';
  return { key: `session ${uuid}`, title: session?.name ?? 'A session', address: `/sessions/${uuid}` };
}
