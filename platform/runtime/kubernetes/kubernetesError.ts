/** What the API server, or the way to it, answered instead of what was asked for. */
export class KubernetesError extends Error {
  /** The HTTP status; null when no answer came. */
  readonly status: number | null;
  /** The machine's word of a Status object, such as NotFound or AlreadyExists; null when the answer was none. */
  readonly reason: string | null;
  /** What the object of the refusal is called, as the Status says; null when it does not. */
  readonly object: { kind: string; name: string } | null;
  /** How long, in milliseconds, the server wants to be left alone; null when it did not say. */
  readonly retryAfterMs: number | null;

  constructor(message: string, answer: Partial<KubernetesAnswer> & { cause?: unknown } = {}) {
    super(message, { cause: answer.cause });
    this.name = 'KubernetesError';
    this.status = answer.status ?? null;
    this.reason = answer.reason ?? null;
    this.object = answer.object ?? null;
    this.retryAfterMs = answer.retryAfterMs ?? null;
  }
}

type KubernetesAnswer = Pick<KubernetesError, 'status' | 'reason' | 'object' | 'retryAfterMs'>;

/** True when the API server itself says that this very object is not there; a proxy's 404 page is no such word. */
export function saysNotFound(error: unknown, object: { kind: string; name: string }): boolean {
  return (
    error instanceof KubernetesError &&
    error.status === 404 &&
    error.reason === 'NotFound' &&
    error.object?.kind === object.kind &&
    error.object.name === object.name
  );
}

/** True when an object of that name is there already. */
export function saysAlreadyExists(error: unknown): boolean {
  return error instanceof KubernetesError && error.status === 409 && error.reason === 'AlreadyExists';
}

/** True when somebody else changed what the request was about: a uid that is another's, or a quota counted at the same time. */
export function saysConflict(error: unknown): boolean {
  return error instanceof KubernetesError && error.status === 409 && error.reason === 'Conflict';
}

/** True when a ResourceQuota is used up. */
export function saysQuotaExceeded(error: unknown): boolean {
  return error instanceof KubernetesError && error.status === 403 && error.message.includes('exceeded quota');
}

/** Makes one kind of error of all that the library throws. `what` begins the message. */
export function toKubernetesError(error: unknown, what: string): KubernetesError {
  if (error instanceof KubernetesError) return error;
  if (isApiException(error)) return fromAnswer(error, what);
  const timedOut = isTimeout(error);
  return new KubernetesError(`${what}: ${timedOut ? 'the API server does not answer in time' : describe(error)}`, {
    status: statusCode(error),
    reason: timedOut ? 'Timeout' : null,
    cause: error,
  });
}

/** A DOMException, which is not everywhere an Error. */
function isTimeout(error: unknown): boolean {
  const name = typeof error === 'object' && error !== null && 'name' in error ? error.name : null;
  return name === 'TimeoutError' || name === 'AbortError';
}

interface ApiException {
  code: number;
  body: unknown;
  headers: Record<string, string>;
}

function isApiException(error: unknown): error is ApiException {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'headers' in error;
}

/** The watch of the library puts the status there. */
function statusCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('statusCode' in error)) return null;
  return typeof error.statusCode === 'number' ? error.statusCode : null;
}

function fromAnswer(error: ApiException, what: string): KubernetesError {
  const status = readStatus(error.body);
  const seconds = Number(error.headers['retry-after']);
  const { kind, name } = status?.details ?? {};
  return new KubernetesError(`${what}: ${status?.message ?? `the API server answers ${error.code}`}`, {
    status: error.code,
    reason: status?.reason ?? null,
    object: typeof kind === 'string' && typeof name === 'string' ? { kind, name } : null,
    retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : null,
  });
}

interface StatusObject {
  message?: string;
  reason?: string;
  details?: { kind?: unknown; name?: unknown };
}

function readStatus(body: unknown): StatusObject | null {
  const value = typeof body === 'string' ? parse(body) : body;
  const isStatus = typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status';
  return isStatus ? (value as StatusObject) : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // A page of a proxy, not a Status.
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // `fetch failed` says nothing; what failed is its cause.
  return error.cause instanceof Error ? error.cause.message : error.message;
}
