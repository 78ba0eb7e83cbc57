/** The part of the catalogue of errors that is about throw-away copies and the receipts of what is run in them. */
export const RUNNING_COPY_ERRORS = {
  RUNNING_COPY_REFUSED: {
    status: 409,
    title: 'A throw-away copy cannot do this',
    remedy: 'Do it in a session of your own. The copy is for running what is under review, and goes with the verdict.',
  },
  RUNNING_COPY_OVER: {
    status: 410,
    title: 'The throw-away copy is gone',
    remedy: 'Open a new one on the page of the review, while that is open and you may run it.',
  },
  RUNNING_COPY_STALE: {
    status: 409,
    title: 'Your copy is of an older snapshot',
    remedy: 'Replace it by a copy of the present snapshot, and run the command again.',
  },
  RECEIPT_STALE: {
    status: 409,
    title: 'A receipt is about another snapshot',
    remedy: 'Run the command again on the present snapshot, or give the verdict without this receipt.',
  },
  RECEIPT_UNKNOWN: {
    status: 422,
    title: 'A receipt cannot be cited',
    remedy: 'Cite runs on the snapshot of this review, once they have ended.',
  },
} as const;
