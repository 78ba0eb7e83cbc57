/** How much a session may hold; from the configuration. */
export interface SessionLimits {
  /** Bytes of one file. */
  maxFileBytes: number;
  /** Bytes of all files together. */
  maxSessionBytes: number;
  /** Files and folders together. */
  maxSessionItems: number;
}

/** Texts up to so many bytes are merged line by line; larger ones are kept side by side. */
export const MAX_MERGE_BYTES = 1_048_576;

/** A cycle that would delete more paths than this, and over half of the tree, needs a second look. */
export const MASS_DELETION_PATHS = 50;

/** Paths that one `items` event names; the page loads the tree afresh beyond that. */
export const MAX_EVENT_PATHS = 200;

/** Entries that one `notSaved` event names. */
export const MAX_NOT_SAVED_ENTRIES = 500;

/** Changes that the answer to a restore names; its counts are of all. */
export const MAX_RESTORE_CHANGES = 1_000;

/** Templates that one person may have; their bytes together are at most a session's. */
export const MAX_TEMPLATES = 20;

/** Days that a session stays in the trash. */
export const TRASH_DAYS = 30;

/** Reads the limits of a session from the configuration. */
export function sessionLimits(config: {
  MAX_FILE_BYTES: number;
  MAX_SESSION_BYTES: number;
  MAX_SESSION_ITEMS: number;
}): SessionLimits {
  return {
    maxFileBytes: config.MAX_FILE_BYTES,
    maxSessionBytes: config.MAX_SESSION_BYTES,
    maxSessionItems: config.MAX_SESSION_ITEMS,
  };
}
