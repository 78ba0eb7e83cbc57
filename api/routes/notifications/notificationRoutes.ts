import { z } from 'zod';
import { pageOfRows, readIdCursor } from '#api/http/cursor.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { presentDigestGroups, presentNotification } from '#api/presenters/notificationPresenter.ts';
import {
  countUnread,
  listDigest,
  listNotifications,
  readNotification,
  readNotificationsUpTo,
} from '#platform/db/repositories/notificationLists.ts';
import {
  DigestQuery,
  NotificationDigest,
  NotificationPage,
  NotificationQuery,
  ReadNotifications,
  UnreadCount,
} from '#shared/contracts/notification.ts';
import { AppError } from '#shared/domain/errors.ts';

const NotificationParams = z.strictObject({ notificationId: z.coerce.number().int().positive().max(2_147_483_647) });

/** A digest that is longer than this is read on the page. */
const MAX_DIGEST = 500;

/** What people are told. Every statement names the caller: nobody reaches another's. */
export const notificationRoutes: Route[] = [
  defineRoute({
    method: 'get',
    path: '/notifications',
    tag: 'notifications',
    summary: 'List what you were told, newest first; only what waits for you where your settings say so.',
    auth: 'required',
    scope: 'reviews',
    query: NotificationQuery,
    responses: { 200: NotificationPage },
    async handler({ deps, caller, query }) {
      const rows = await listNotifications(deps.database, {
        userId: caller.id,
        unread: query.unread,
        after: readIdCursor(query.cursor),
        limit: query.limit + 1,
      });
      const page = pageOfRows(rows, query.limit);
      const unread = await countUnread(deps.database, caller.id);
      return {
        status: 200,
        body: { items: page.rows.map(presentNotification), nextCursor: page.nextCursor, unread },
      };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/notifications/digest',
    tag: 'notifications',
    summary: 'Read what a mail would say of the time since: unread, by review, and only what still matters.',
    auth: 'required',
    scope: 'reviews',
    query: DigestQuery,
    responses: { 200: NotificationDigest },
    async handler({ deps, caller, query }) {
      const since = new Date(query.since);
      const rows = await listDigest(deps.database, { userId: caller.id, since, limit: MAX_DIGEST + 1 });
      const groups = presentDigestGroups(rows.slice(0, MAX_DIGEST));
      return {
        status: 200,
        body: { since: since.toISOString(), groups, truncated: rows.length > MAX_DIGEST },
      };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/notifications/{notificationId}/read',
    tag: 'notifications',
    summary: 'Mark a notification as read.',
    auth: 'required',
    scope: 'reviews',
    params: NotificationParams,
    responses: { 200: UnreadCount },
    async handler({ deps, caller, params }) {
      const key = { userId: caller.id, notificationId: params.notificationId };
      if (!(await readNotification(deps.database, key))) throw new AppError('NOT_FOUND');
      return { status: 200, body: { unread: await countUnread(deps.database, caller.id) } };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/notifications/read',
    tag: 'notifications',
    summary: 'Mark all notifications up to one as read.',
    auth: 'required',
    scope: 'reviews',
    body: ReadNotifications,
    responses: { 200: UnreadCount },
    async handler({ deps, caller, body }) {
      await readNotificationsUpTo(deps.database, { userId: caller.id, upTo: body.upTo });
      return { status: 200, body: { unread: await countUnread(deps.database, caller.id) } };
    },
  }),
];
