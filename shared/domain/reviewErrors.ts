/** The errors of reviews, their comments and suggestions; part of the catalogue. */
export const REVIEW_ERRORS = {
  REVIEW_OPEN_EXISTS: {
    status: 409,
    title: 'The session has an open review already',
    remedy: 'Withdraw it, or refresh its snapshot.',
  },
  REVIEW_ALREADY_DECIDED: {
    status: 409,
    title: 'The review is decided',
    remedy: 'Reload the page to see the verdict.',
  },
  REVIEW_ALREADY_CLAIMED: {
    status: 409,
    title: 'Somebody else holds the review',
    remedy: 'Choose another review, or wait until it is released.',
  },
  REVIEW_SNAPSHOT_CHANGED: {
    status: 409,
    title: 'The submission has changed',
    remedy: 'Reload, look at the new snapshot, and decide again.',
  },
  REVIEW_REASON_REQUIRED: {
    status: 422,
    title: 'This needs a reason',
    remedy: 'Write the reason, at least as long as the detail says; a rejection may raise an issue instead.',
  },
  REVIEW_OWN_WORK: {
    status: 403,
    title: 'Nobody reviews their own work',
    remedy: 'Leave this review to somebody else.',
  },
  REVIEW_LEVEL_TOO_LOW: {
    status: 403,
    title: 'Your reviewer level is too low',
    remedy: 'Leave it to a reviewer of the level that the detail names.',
  },
  REVIEW_CLAIM_LIMIT: {
    status: 409,
    title: 'Too many reviews are held already',
    remedy: 'Decide or release one of the reviews that the detail names first.',
  },
  REVIEW_ASSIGNEE_REFUSED: {
    status: 409,
    title: 'The review cannot be given to this person',
    remedy: 'Choose somebody else; the detail says why. Who is away, or holds too many, level 4 can force.',
  },
  REVIEW_NO_ASSIGNEE: {
    status: 409,
    title: 'Nobody can take the review now',
    remedy: 'Wait until a reviewer of the level that the detail names is back, or ask level 4 to grant it to somebody.',
  },
  REVIEW_URGENT_LIMIT: {
    status: 409,
    title: 'You have an open urgent review already',
    remedy: 'Wait for its verdict, lower its priority or withdraw it; or submit this one with a lower priority.',
  },
  DRAFT_CHANGED: {
    status: 409,
    title: 'The draft was changed in another tab',
    remedy: 'Keep your text as a draft of its own, or load the draft again and go on from there.',
  },
  SUGGESTION_MISSING: {
    status: 409,
    title: 'The comment proposes no lines',
    remedy: 'Only a published comment on lines with a block that begins with ```suggestion can be applied.',
  },
  SUGGESTION_OUTDATED: {
    status: 409,
    title: 'The lines of the suggestion have changed',
    remedy: 'Compare the suggestion with the present file, and save what you decide on.',
  },
  SUGGESTION_APPLIED: {
    status: 409,
    title: 'The suggestion is applied already',
    remedy: 'Look at the version that the comment names.',
  },
  REVIEW_EMPTY: { status: 409, title: 'There is nothing to review', remedy: 'Add at least one file to the session.' },
  REVIEW_NOT_READY: { status: 409, title: 'The snapshot is not made yet', remedy: 'Wait a few seconds and try again.' },
  REVIEW_NOT_CLAIMED: { status: 409, title: 'You do not hold this review', remedy: 'Claim the review first.' },
  REVIEW_OPEN_ISSUES: { status: 409, title: 'There are open issues', remedy: 'Resolve them, or reject the review.' },
} as const;
