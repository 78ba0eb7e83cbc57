import { ERROR_CATALOGUE, type ErrorCode } from '#shared/domain/errorCatalogue.ts';

/** One field of a request that was wrong: where (a JSON pointer or a dotted path) and why. */
export interface FieldError {
  path: string;
  message: string;
}

/** What an AppError may carry beside its code: a sentence for this very case, fields, machine-readable data, a cause. */
export interface AppErrorOptions {
  detail?: string;
  errors?: FieldError[];
  data?: Record<string, unknown>;
  cause?: unknown;
}

/** An expected failure. Thrown anywhere, mapped to HTTP, socket or workflow failure once, at the edge. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly errors: FieldError[];
  readonly data: Record<string, unknown>;

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(options.detail ?? ERROR_CATALOGUE[code].title, { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.detail = options.detail;
    this.errors = options.errors ?? [];
    this.data = options.data ?? {};
  }

  /** The HTTP status of this condition. */
  get status(): number {
    return ERROR_CATALOGUE[this.code].status;
  }
}

/** True when the value is an AppError, of that code if one is given. */
export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code);
}
