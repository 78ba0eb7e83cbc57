import { REVIEW_ERRORS } from '#shared/domain/reviewErrors.ts';
import { RUNNING_COPY_ERRORS } from '#shared/domain/runningCopyErrors.ts';
import { SEARCH_ERRORS } from '#shared/domain/searchErrors.ts';

/**
 * The closed catalogue of conditions that Berth reports to a caller. Each has a stable code, the HTTP status of its
 * problem body (RFC 9457), a title, and a remedy that says what to do next.
 */
export const ERROR_CATALOGUE = {
  INVALID_INPUT: {
    status: 422,
    title: 'The input is not valid',
    remedy: 'Correct the fields listed in errors and send the request again.',
  },
  MALFORMED_BODY: {
    status: 400,
    title: 'The body cannot be read',
    remedy: 'Send a valid JSON body with Content-Type: application/json.',
  },
  BODY_TOO_LARGE: {
    status: 413,
    title: 'The body is too large',
    remedy: 'Send less at once; the limit is in the detail.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    title: 'The content type is not supported',
    remedy: 'Send Content-Type: application/json.',
  },
  NOT_AUTHENTICATED: {
    status: 401,
    title: 'You are not signed in',
    remedy: 'Sign in, or send a valid token in the Authorization header.',
  },
  BAD_CREDENTIALS: { status: 401, title: 'Name or password is wrong', remedy: 'Check both and try again.' },
  TOKEN_EXPIRED: { status: 401, title: 'The token has expired', remedy: 'Create a new token under Settings, Tokens.' },
  FORBIDDEN: {
    status: 403,
    title: 'You may not do this',
    remedy: 'Ask an operator, or someone with the rights that the detail names.',
  },
  ORIGIN_REFUSED: {
    status: 403,
    title: 'The request comes from a foreign page',
    remedy: 'Use the address in BERTH_PUBLIC_URL, or a token.',
  },
  SCOPE_MISSING: {
    status: 403,
    title: 'The token lacks a scope',
    remedy: 'Create a token with the scope that the detail names.',
  },
  NOT_FOUND: {
    status: 404,
    title: 'There is nothing here',
    remedy: 'Check the address; it may have been deleted, or belong to somebody else.',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    title: 'The method is not allowed here',
    remedy: 'See /api/docs for the methods of this address.',
  },
  RATE_LIMITED: {
    status: 429,
    title: 'Too many requests',
    remedy: 'Wait for the seconds in Retry-After and try again.',
  },
  USERNAME_TAKEN: { status: 409, title: 'The user name is taken', remedy: 'Choose another user name.' },
  EMAIL_TAKEN: {
    status: 409,
    title: 'The e-mail address is taken',
    remedy: 'Sign in instead, or use another address.',
  },
  PASSWORD_TOO_WEAK: {
    status: 422,
    title: 'The password is too easy to guess',
    remedy: 'Use a longer phrase of several uncommon words.',
  },
  OPERATOR_CODE_REQUIRED: {
    status: 403,
    title: 'The first account needs the code',
    remedy: 'Enter the one-time code that the start printed.',
  },
  SELF_PROMOTION_LIMIT: {
    status: 403,
    title: 'You cannot promote yourself further',
    remedy: 'Ask a reviewer of level 4 or an operator for a higher level.',
  },
  LAST_GRANTOR: {
    status: 409,
    title: 'Nobody could grant levels any more',
    remedy: 'Give somebody else level 4 first.',
  },
  LAST_OPERATOR: {
    status: 409,
    title: 'The last operator cannot step down',
    remedy: 'Make someone else an operator first.',
  },
  SESSION_LIMIT: {
    status: 409,
    title: 'Too many open sessions',
    remedy: 'Close one of the sessions that the detail names, then open this one.',
  },
  SESSION_NOT_OPEN: { status: 409, title: 'The session is not open', remedy: 'Open the session first.' },
  SESSION_NOT_RUNNING: {
    status: 409,
    title: 'The session is not running yet',
    remedy: 'Wait until its phase is running and try again.',
  },
  POD_REFUSED: {
    status: 503,
    title: 'There is no room for the session',
    remedy: 'Try again in a few minutes; if it lasts, tell the operator.',
  },
  RUNTIME_UNAVAILABLE: {
    status: 503,
    title: 'What sessions run on does not answer',
    remedy: 'Wait a minute and try again; Berth goes on by itself once it answers. If it lasts, tell the operator.',
  },
  NOTHING_TO_DISCARD: {
    status: 409,
    title: 'There is nothing to discard',
    remedy: 'Close the session in the ordinary way: everything on it can be saved.',
  },
  NOTHING_TO_SAVE: {
    status: 409,
    title: 'There is nothing left to save',
    remedy: 'Nothing: everything on its volume is saved.',
  },
  SESSION_HAS_OPEN_REVIEW: {
    status: 409,
    title: 'The session has an open review',
    remedy: 'Withdraw the review first, or wait for its verdict.',
  },
  SESSION_CLOSING: {
    status: 409,
    title: 'The session is still closing',
    remedy: 'Wait until it is closed and try again.',
  },
  SESSION_REVIEWED: {
    status: 409,
    title: 'A review refers to this session',
    remedy: 'Leave it in the trash: its files go after 30 days, the review and what it is about stay.',
  },
  NO_HISTORY_YET: {
    status: 422,
    title: 'There is no history of that moment',
    remedy: 'Choose a moment between the one that the detail names and now.',
  },
  NAME_TAKEN: {
    status: 409,
    title: 'The name is taken in this folder',
    remedy: 'Choose another name, or rename what is there.',
  },
  VERSION_CONFLICT: {
    status: 409,
    title: 'Someone saved a newer version',
    remedy: 'Load the current version, merge your change and save again.',
  },
  VERSION_REQUIRED: {
    status: 428,
    title: 'The version is missing',
    remedy: 'Send If-Match with the version that your change is based on.',
  },
  INVALID_PATH: {
    status: 422,
    title: 'The path is not allowed',
    remedy: 'Use names of 1 to 255 bytes without / and NUL, inside the session.',
  },
  CYCLE: {
    status: 409,
    title: 'A folder cannot be moved into itself',
    remedy: 'Choose a folder outside of the one you move.',
  },
  FILE_TOO_LARGE: { status: 413, title: 'The file is too large', remedy: 'Keep files below the limit in the detail.' },
  SESSION_TOO_LARGE: {
    status: 413,
    title: 'The session is full',
    remedy: 'Delete files that are not needed; the limit is in the detail.',
  },
  UPLOAD_LIMIT: {
    status: 409,
    title: 'Too many uploads are under way',
    remedy: 'Finish or cancel one of them; those that nothing comes to are removed after a day.',
  },
  UPLOAD_OFFSET: {
    status: 409,
    title: 'The upload goes on elsewhere',
    remedy: 'Ask for the upload and send what follows its offset.',
  },
  UPLOAD_DIGEST: {
    status: 422,
    title: 'Other bytes came than were announced',
    remedy: 'Begin the upload anew; what had come was removed.',
  },
  UPLOAD_INCOMPLETE: {
    status: 409,
    title: 'The upload is not complete',
    remedy: 'Send the bytes that are missing first.',
  },
  ARCHIVE_UNREADABLE: {
    status: 422,
    title: 'The archive cannot be read',
    remedy: 'Send a zip, a tar or a tar.gz that is whole and not encrypted.',
  },
  ARCHIVE_TOO_LARGE: {
    status: 413,
    title: 'The archive holds too much',
    remedy: 'Import a part of it; the limit is in the detail.',
  },
  ARCHIVE_REFUSED: {
    status: 422,
    title: 'Something in the archive cannot be imported',
    remedy: 'Take it out of the archive, or import the rest without it.',
  },
  CLONE_REFUSED: {
    status: 409,
    title: 'There is nothing to clone',
    remedy: 'Look at the session: the detail says why not.',
  },
  ...SEARCH_ERRORS,
  TEMPLATE_LIMIT: { status: 409, title: 'Too many templates', remedy: 'Delete templates that are not needed.' },
  TERMINAL_LIMIT: { status: 409, title: 'Too many terminals', remedy: 'Close a terminal and try again.' },
  TERMINAL_NOT_FOUND: { status: 404, title: 'The terminal has ended', remedy: 'Open a new terminal.' },
  RUN_LIMIT: { status: 409, title: 'Too many runs', remedy: 'Wait until one has ended, or cancel one.' },
  RUN_REFUSED: {
    status: 409,
    title: 'The command cannot be run',
    remedy: 'Correct what the detail names and run it again.',
  },
  RUN_UNKNOWN_FILE: {
    status: 422,
    title: 'Berth does not know how to run this file',
    remedy: 'Send a command instead of the file, or give the file an ending that is known.',
  },
  RUN_NOT_FOUND: { status: 404, title: 'The run is not there any more', remedy: 'Run the command again.' },
  RECORDING_UNDER_WAY: { status: 409, title: 'The recording is under way', remedy: 'Stop it first.' },
  RECORDING_LIMIT: { status: 409, title: 'Too many recordings', remedy: 'Remove recordings that are not needed.' },
  RECORDING_NOT_FOUND: {
    status: 404,
    title: 'The recording is lost',
    remedy: "Nothing brings it back: it was removed with its session's volume, or from it. Record the terminal again.",
  },
  PORT_NOT_LISTENING: {
    status: 502,
    title: 'Nothing listens on this port',
    remedy: 'Start the program in a terminal of the session, on 127.0.0.1, ::1 or all addresses, and try again.',
  },
  DIAL_LIMIT: {
    status: 503,
    title: 'Too many connections to this session at once',
    remedy: 'Close pages that show it, and try again.',
  },
  PREVIEWS_OFF: {
    status: 409,
    title: 'Previews are not switched on',
    remedy: 'An operator names a domain for them in BERTH_PREVIEW_DOMAIN; see docs/operations.md.',
  },
  PREVIEW_REFUSED: {
    status: 409,
    title: 'This session has no previews yet',
    remedy: 'It was opened by an older release of Berth. Close it and open it again.',
  },
  PREVIEW_CLOSED: {
    status: 503,
    title: 'The session is not open',
    remedy: 'Its owner opens it in Berth, and starts the program in a terminal; then load this page again.',
  },
  PREVIEW_LINK_LIMIT: {
    status: 409,
    title: 'The session has too many share links',
    remedy: 'Revoke links that nobody needs any more, and try again.',
  },
  PREVIEW_FAILED: {
    status: 502,
    title: 'The program broke its answer off',
    remedy: 'Look at what it printed in its terminal, and try again.',
  },
  PREVIEW_TIMEOUT: {
    status: 504,
    title: 'The program does not answer',
    remedy: 'Look at what it printed in its terminal, and try again.',
  },
  AGENT_UNREACHABLE: {
    status: 503,
    title: 'The session does not answer',
    remedy: 'Wait a moment; Berth reconnects by itself. If it lasts, close and open the session.',
  },
  ...REVIEW_ERRORS,
  ...RUNNING_COPY_ERRORS,
  COMMENT_PUBLISHED: { status: 409, title: 'A published comment cannot be changed', remedy: 'Reply to it instead.' },
  IDEMPOTENCY_MISMATCH: {
    status: 409,
    title: 'The Idempotency-Key was used for another request',
    remedy: 'Use a new key for a new request.',
  },
  IDEMPOTENCY_IN_FLIGHT: {
    status: 409,
    title: 'The same request is being carried out',
    remedy: 'Wait a few seconds and send it again with the same Idempotency-Key.',
  },
  IDEMPOTENCY_ANSWER_LOST: {
    status: 409,
    title: 'The request was carried out before, and its answer was lost',
    remedy: 'Look whether what it asked for is there; use a new Idempotency-Key to ask for it again.',
  },
  IDEMPOTENCY_SECRET: {
    status: 409,
    title: 'The request was carried out before',
    remedy: 'Its answer held a secret that is shown once; use a new Idempotency-Key for a new one.',
  },
  SOCKET_LIMIT: {
    status: 429,
    title: 'Too many connections',
    remedy: 'Close other windows of Berth and try again.',
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    title: 'The headers are too large',
    remedy: 'Send fewer or shorter headers; 16 KiB is the limit.',
  },
  STALE_GENERATION: { status: 409, title: 'The session was opened anew meanwhile', remedy: 'Reload the session.' },
  TEMPORAL_UNAVAILABLE: {
    status: 503,
    title: 'The workflow service does not answer',
    remedy: 'Your request is not lost if it was accepted; otherwise try again in a minute.',
  },
  DATABASE_UNAVAILABLE: {
    status: 503,
    title: 'The database does not answer',
    remedy: 'Try again in a moment; nothing was changed.',
  },
  INTERNAL: {
    status: 500,
    title: 'Something went wrong in Berth',
    remedy: 'Try again; if it lasts, tell the operator the requestId.',
  },
} as const;

/** The stable codes of failures. */
export type ErrorCode = keyof typeof ERROR_CATALOGUE;
