import type { z } from 'zod';
import { AppError, type FieldError } from '#shared/domain/errors.ts';

/** The parts of a request that a contract covers. A body's fields are named plainly, the others with their part. */
export interface RequestParts {
  params: unknown;
  query: unknown;
  body: unknown;
}

/** The contract of a request; a part without one is taken as an empty object. */
export interface RequestContract {
  params?: z.ZodType;
  query?: z.ZodType;
  body?: z.ZodType;
}

/** Parses every part of a request. Throws INVALID_INPUT that names each wrong field. */
export function validate(contract: RequestContract, parts: RequestParts): RequestParts {
  const errors: FieldError[] = [];
  const parsed: RequestParts = { params: {}, query: {}, body: undefined };
  for (const part of ['params', 'query', 'body'] as const) {
    const schema = contract[part];
    if (!schema) continue;
    const result = schema.safeParse(parts[part]);
    const prefix = part === 'body' ? [] : [part];
    if (!result.success) errors.push(...result.error.issues.flatMap((issue) => fieldErrors(prefix, issue)));
    else {
      parsed[part] = result.data;
      errors.push(...findNul(result.data).map((path) => nulError([...prefix, ...path])));
    }
  }
  if (errors.length > 0) throw new AppError('INVALID_INPUT', { detail: describe(errors), errors });
  return parsed;
}

function fieldErrors(prefix: string[], issue: z.core.$ZodIssue): FieldError[] {
  const path = [...prefix, ...issue.path.map(String)];
  if (issue.code !== 'unrecognized_keys') return [{ path: path.join('.'), message: issue.message }];
  return issue.keys
    .slice(0, 20)
    .map((key) => ({ path: [...path, key.slice(0, 100)].join('.'), message: 'is not known here' }));
}

function nulError(path: string[]): FieldError {
  return { path: path.join('.'), message: 'must not contain NUL (send binary content as base64)' };
}

/** Where strings hold NUL, which PostgreSQL's text cannot. Walks without recursion: an input may be as deep as it likes. */
function findNul(value: unknown): string[][] {
  const found: string[][] = [];
  const waiting: { value: unknown; path: string[] }[] = [{ value, path: [] }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { value: current, path } = next;
    if (typeof current === 'string') {
      if (current.includes('\0')) found.push(path);
    } else if (current !== null && typeof current === 'object') {
      for (const [name, child] of Object.entries(current)) waiting.push({ value: child, path: [...path, name] });
    }
  }
  return found;
}

function describe(errors: FieldError[]): string {
  const [first] = errors;
  const place = first!.path === '' ? 'The body' : first!.path;
  return errors.length === 1 ? `${place}: ${first!.message}.` : `${errors.length} fields are wrong.`;
}
