/** The failures of a search in a session's files. */
export const SEARCH_ERRORS = {
  SEARCH_TOO_SLOW: {
    status: 422,
    title: 'The search took too long',
    remedy: 'Search for something longer, match its case, or name the folders to search in.',
  },
  SEARCH_PATTERN: {
    status: 422,
    title: 'The pattern cannot be searched for',
    remedy: 'Change the pattern, or search for the text as it is.',
  },
  SEARCH_BUSY: {
    status: 429,
    title: 'Two searches of yours are under way',
    remedy: 'Wait until one of them has ended.',
  },
} as const;
