import type { NotificationPage, UnreadCount } from '#shared/contracts/notification.ts';
import { request } from './client.ts';

/** A page of what the person was told, newest first, with the number of unread ones. */
export function listNotifications(cursor?: string): Promise<NotificationPage> {
  return request('GET', '/notifications', { query: { cursor, limit: 30 } });
}
/** Marks one as read. */
export function readNotification(id: number): Promise<UnreadCount> {
  return request('POST', `/notifications/${id}/read`, { body: {} });
}
/** Marks all up to this one as read. */
export function readNotificationsUpTo(upTo: number): Promise<UnreadCount> {
  return request('POST', '/notifications/read', { body: { upTo } });
}
