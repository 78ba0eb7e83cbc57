import type { Database, Tx } from '#platform/db/database.ts';
import { insertNotification, type NewNotification } from '#platform/db/repositories/notifications.ts';
import type { ReviewRecord } from '#platform/db/repositories/reviews.ts';
import type { Attempt } from '#activities/review/transitionAttempt.ts';

type Notice = Pick<NewNotification, 'kind' | 'summary' | 'theirTurn'> & { userId: number | undefined };

/** Tells the people whom a transition concerns, but not who made it. */
export async function tellOfTransition(
  database: Database,
  transition: Attempt & { after: ReviewRecord },
  tx: Tx,
): Promise<void> {
  const { review, actor, input } = transition;
  for (const { userId, ...notice } of noticesOf(transition)) {
    if (userId === undefined || userId === actor?.id) continue;
    const batchKey = `review/${review.id}/${input.opId}`;
    await insertNotification(
      database,
      { userIds: [userId], subject: { reviewId: review.id }, batchKey, ...notice },
      tx,
    );
  }
}

/** Tells the holder that the files which they read are older than those of the review now. */
export async function tellOfRefresh(
  database: Database,
  { review, opId }: { review: ReviewRecord; opId: string },
  tx: Tx,
): Promise<void> {
  if (review.assignedTo === null) return;
  await insertNotification(
    database,
    {
      userIds: [review.assignedTo.id],
      kind: 'snapshot',
      subject: { reviewId: review.id },
      summary: `${review.submittedBy.username} refreshed the files of “${review.title}”.`,
      theirTurn: true,
      batchKey: `review/${review.id}/${opId}`,
    },
    tx,
  );
}

function noticesOf({ review, actor, input, after }: Attempt & { after: ReviewRecord }): Notice[] {
  const title = `“${review.title}”`;
  const who = actor?.username ?? 'Berth';
  const holder = review.assignedTo?.id;
  const submitter = review.submittedBy.id;
  const taken: Notice = {
    userId: holder,
    kind: 'unassigned',
    summary: `${who} took ${title} over from you.`,
    theirTurn: false,
  };
  switch (input.action) {
    case 'approve':
    case 'override':
    case 'reject': {
      const theirTurn = input.action === 'reject';
      const summary = `${who} ${theirTurn ? 'rejected' : 'approved'} ${title}.`;
      return [taken, { userId: submitter, kind: 'verdict', summary, theirTurn }];
    }
    case 'withdraw': {
      const notice = { kind: 'withdrawn', summary: `${who} withdrew ${title}.`, theirTurn: false } as const;
      return [holder, submitter].map((userId) => ({ userId, ...notice }));
    }
    case 'reassign':
      return [
        { ...taken, summary: `${who} gave ${title} to ${after.assignedTo?.username ?? 'somebody else'}.` },
        {
          userId: after.assignedTo?.id,
          kind: 'assigned',
          summary: `${who} gave you ${title} to review.`,
          theirTurn: true,
        },
      ];
    default:
      return [];
  }
}
