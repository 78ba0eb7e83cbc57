import type { ErrorCode } from '#shared/domain/errorCatalogue.ts';
import type { FieldError } from '#shared/domain/errors.ts';

/** Codes that only a page knows: no answer came, the answer was not Berth's, or a file on the person's disk is gone. */
export type LocalCode = 'OFFLINE' | 'UNREADABLE_ANSWER' | 'UNREADABLE_FILE';

/** What went wrong with a request, as the api said it in its problem body, or as the page found it. */
export class ApiError extends Error {
  readonly code: ErrorCode | LocalCode;
  /** The HTTP status; 0 when no answer came. */
  readonly status: number;
  readonly detail: string;
  readonly errors: FieldError[];
  readonly data: Record<string, unknown>;
  readonly requestId: string | null;

  constructor(problem: {
    code: ErrorCode | LocalCode;
    status: number;
    title: string;
    detail: string;
    errors?: FieldError[];
    data?: Record<string, unknown>;
    requestId?: string | null;
  }) {
    super(problem.title);
    this.name = 'ApiError';
    this.code = problem.code;
    this.status = problem.status;
    this.detail = problem.detail;
    this.errors = problem.errors ?? [];
    this.data = problem.data ?? {};
    this.requestId = problem.requestId ?? null;
  }
}

/** True when the value is an ApiError, of that code if one is given. */
export function isApiError(error: unknown, code?: ErrorCode | LocalCode): error is ApiError {
  return error instanceof ApiError && (code === undefined || error.code === code);
}

/** True when the same request may succeed in a moment: no answer came, or Berth said that it cannot just now. */
export function isPassing(error: unknown): boolean {
  if (!isApiError(error)) return false;
  const { status, code } = error;
  return status === 0 || status >= 502 || status === 429 || code === 'IDEMPOTENCY_IN_FLIGHT';
}

/** The error for a request that got no answer at all. */
export function offlineError(): ApiError {
  return new ApiError({
    code: 'OFFLINE',
    status: 0,
    title: 'Berth does not answer',
    detail: 'Check your connection. Nothing that was saved is lost.',
  });
}

/** Turns the body of an error answer into an ApiError; a body that is no problem becomes UNREADABLE_ANSWER. */
export function errorFromAnswer(status: number, body: unknown): ApiError {
  if (!isProblem(body)) {
    return new ApiError({
      code: 'UNREADABLE_ANSWER',
      status,
      title: status >= 500 ? 'Berth cannot answer just now' : 'The answer makes no sense',
      detail:
        status >= 500
          ? 'A server in front of Berth answered instead of it. Try again in a moment.'
          : 'Reload the page; if it lasts, tell the operator.',
    });
  }
  return new ApiError({
    code: body.code as ErrorCode,
    status,
    title: body.title,
    detail: body.detail,
    errors: body.errors ?? [],
    data: body.data ?? {},
    requestId: body.requestId ?? null,
  });
}

/** Any thrown value as an ApiError, so that a page shows one kind of failure. A bug is thrown on, never shown as a problem. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  throw error;
}

/** The message of each field by the last part of its path: `/body/username`, `body.username` and `username` are all `username`. */
export function fieldMessages(error: ApiError | null): Record<string, string> {
  const messages: Record<string, string> = {};
  for (const { path, message } of error?.errors ?? []) {
    const field = path.split(/[./]/).filter(Boolean).at(-1);
    if (field !== undefined) messages[field] ??= sentence(message);
  }
  return messages;
}

/** True when every part of the problem can be shown beside a field of the form, so that no summary is needed. */
export function isAllAboutFields(error: ApiError, fields: readonly string[]): boolean {
  const named = Object.keys(fieldMessages(error));
  return named.length > 0 && named.every((field) => fields.includes(field));
}

/** What the fields' messages say beyond the problem's own sentence, each once. */
export function furtherParts({ detail, errors }: Pick<ApiError, 'detail' | 'errors'>): string[] {
  const said = detail.toLowerCase();
  return [...new Set(errors.map(({ message }) => message))].filter((message) => !said.includes(message.toLowerCase()));
}

function sentence(message: string): string {
  return message.charAt(0).toUpperCase() + message.slice(1);
}

interface ProblemBody {
  code: string;
  title: string;
  detail: string;
  requestId?: string;
  errors?: FieldError[];
  data?: Record<string, unknown>;
}

function isProblem(body: unknown): body is ProblemBody {
  return (
    typeof body === 'object' &&
    body !== null &&
    'code' in body &&
    typeof body.code === 'string' &&
    'title' in body &&
    typeof body.title === 'string' &&
    'detail' in body &&
    typeof body.detail === 'string'
  );
}
