/** What a notification is about; the page picks icon and link by it. */
export const NOTIFICATION_KINDS = [
  'assigned',
  'unassigned',
  'comments',
  'verdict',
  'withdrawn',
  'snapshot',
  'priority',
  'reminder',
  'escalation',
  'conflict',
] as const;
/** A kind of notification. */
export type NotificationKind = (typeof NOTIFICATION_KINDS)[number];
