import { z } from 'zod';
import { Timestamp } from '#shared/contracts/user.ts';
import { NOTIFICATION_KINDS } from '#shared/domain/notification.ts';

const AboutReview = z.object({ id: z.int(), title: z.string() });
const AboutSession = z.object({ uuid: z.uuid(), name: z.string() });

/** Something that a person was told, about a review or a session: one of the two is not null. */
export const Notification = z.object({
  id: z.int(),
  kind: z.enum(NOTIFICATION_KINDS),
  review: AboutReview.nullable(),
  session: AboutSession.nullable(),
  summary: z.string(),
  /** Whether it waited for them when they were told. */
  theirTurn: z.boolean(),
  readAt: Timestamp.nullable(),
  createdAt: Timestamp,
});
export type Notification = z.infer<typeof Notification>;

/** Query of a person's notifications. */
export const NotificationQuery = z.strictObject({
  unread: z.stringbool({ truthy: ['true'], falsy: ['false'], case: 'sensitive' }).default(false),
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type NotificationQuery = z.infer<typeof NotificationQuery>;

/** A page of notifications, newest first, with the number of unread ones on all pages. */
export const NotificationPage = z.object({
  items: z.array(Notification),
  nextCursor: z.string().nullable(),
  unread: z.int(),
});
export type NotificationPage = z.infer<typeof NotificationPage>;

/** Body of reading all: those up to this one, so that what came since stays unread. */
export const ReadNotifications = z.strictObject({ upTo: z.int().positive() });
export type ReadNotifications = z.infer<typeof ReadNotifications>;
/** How many notifications are unread. */
export const UnreadCount = z.object({ unread: z.int() });
export type UnreadCount = z.infer<typeof UnreadCount>;

/** Query of a digest. */
export const DigestQuery = z.strictObject({ since: Timestamp });
export type DigestQuery = z.infer<typeof DigestQuery>;

/**
 * What a mail or a webhook would say of the time since: unread notifications by review or session, the latest group
 * first. Left out are reviews that have ended since, but for their verdict or withdrawal.
 */
export const NotificationDigest = z.object({
  since: Timestamp,
  groups: z.array(
    z.object({
      review: AboutReview.nullable(),
      session: AboutSession.nullable(),
      /** Whether it is the person's turn in this review now. */
      yourTurn: z.boolean(),
      notifications: z.array(Notification),
    }),
  ),
  /** True when there was more than a digest holds. */
  truncated: z.boolean(),
});
export type NotificationDigest = z.infer<typeof NotificationDigest>;
