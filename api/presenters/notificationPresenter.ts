import type { DigestRecord, NotificationRecord } from '#platform/db/repositories/notificationLists.ts';
import type { Notification, NotificationDigest } from '#shared/contracts/notification.ts';

/** A notification as its person sees it. */
export function presentNotification(notification: NotificationRecord): Notification {
  const { id, kind, review, session, summary, theirTurn, readAt, createdAt } = notification;
  return {
    id,
    kind,
    review,
    session,
    summary,
    theirTurn,
    readAt: readAt?.toISOString() ?? null,
    createdAt: createdAt.toISOString(),
  };
}

/** Notifications by review or session, the group with the newest first, as they come. */
export function presentDigestGroups(notifications: readonly DigestRecord[]): NotificationDigest['groups'] {
  const groups = new Map<string, NotificationDigest['groups'][number]>();
  for (const notification of notifications) {
    const { review, session, yourTurn } = notification;
    const key = review === null ? `session ${session?.uuid}` : `review ${review.id}`;
    const group = groups.get(key) ?? { review, session, yourTurn, notifications: [] };
    group.notifications.push(presentNotification(notification));
    groups.set(key, group);
  }
  return [...groups.values()];
}
