import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from '#platform/db/database.ts';
import {
  commitIdempotencyKey,
  findIdempotencyKey,
  freeIdempotencyKey,
  storeIdempotentAnswer,
  takeIdempotencyKey,
  type IdempotencyName,
} from '#platform/db/repositories/idempotencyKeys.ts';
import { AppError } from '#shared/domain/errors.ts';
import type { Reply } from '#api/http/route.ts';
import { toAppError } from '#api/http/problem.ts';

const KEY_SHAPE = /^[\x21-\x7e]{1,200}$/;
/** A repeat waits so long for the first request's answer before it is told to come again. */
const WAIT_MS = 10_000;
const LOOK_EVERY_MS = 100;

/** A request under a key: everything that makes two requests the same. */
export interface IdempotentRequest {
  userId: number;
  key: string;
  method: string;
  path: string;
  body: unknown;
  secretAnswer: boolean;
}

/**
 * Carries a request out once per key: a repeat gets the first one's answer, another request with the key gets 409. The database that
 * `carryOut` is given notes in each transaction that the request has changed something: when this process dies before the
 * answer is kept, a repeat is told so, and does nothing.
 */
export async function onceFor(
  database: Database,
  request: IdempotentRequest,
  carryOut: (database: Database) => Promise<Reply>,
): Promise<Reply> {
  if (!KEY_SHAPE.test(request.key)) {
    throw new AppError('INVALID_INPUT', {
      detail: 'Idempotency-Key must be 1 to 200 visible ASCII characters.',
      errors: [{ path: 'headers.idempotency-key', message: 'expected 1 to 200 visible ASCII characters' }],
    });
  }
  const name = { userId: request.userId, key: request.key };
  const requestHash = hashOf(request);
  if (!(await takeIdempotencyKey(database, name, requestHash))) return answerAgain(database, request, requestHash);
  const reply = await carryOut(noting(database, name)).catch(async (error: unknown) => {
    await settleFailure(database, name, error);
    throw error;
  });
  await storeIdempotentAnswer(database, name, {
    status: reply.status,
    body: request.secretAnswer ? null : reply.body,
  });
  return reply;
}

function noting(database: Database, name: IdempotencyName): Database {
  return {
    ...database,
    transaction: (work) =>
      database.transaction(async (tx) => {
        const result = await work(tx);
        await commitIdempotencyKey(database, name, tx);
        return result;
      }),
  };
}

/** Nothing of a failed request was kept, so the key is free again: the same request may succeed later. */
async function settleFailure(database: Database, name: IdempotencyName, error: unknown): Promise<void> {
  try {
    await freeIdempotencyKey(database, name);
  } catch (failure) {
    // The request's own error tells more; the key is taken over when its time has passed.
    if (toAppError(failure).code !== 'DATABASE_UNAVAILABLE')
      throw new AggregateError([error, failure], 'a key could not be freed', { cause: error });
  }
}

async function answerAgain(database: Database, request: IdempotentRequest, requestHash: string): Promise<Reply> {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const present = await findIdempotencyKey(database, request);
    if (!present) throw new AppError('IDEMPOTENCY_IN_FLIGHT', { detail: 'The first request failed just now.' });
    if (present.requestHash !== requestHash) throw new AppError('IDEMPOTENCY_MISMATCH');
    if (present.status !== null) {
      if (request.secretAnswer) throw new AppError('IDEMPOTENCY_SECRET');
      return {
        status: present.status,
        headers: { 'Idempotent-Replayed': 'true' },
        ...(present.body === null ? {} : { body: present.body }),
      };
    }
    if (present.answerLost) throw new AppError('IDEMPOTENCY_ANSWER_LOST');
    if (Date.now() >= deadline) throw new AppError('IDEMPOTENCY_IN_FLIGHT');
    await pause(LOOK_EVERY_MS);
  }
}

function hashOf({ method, path, body }: IdempotentRequest): string {
  return createHash('sha256')
    .update(JSON.stringify([method, path, body]))
    .digest('hex');
}
