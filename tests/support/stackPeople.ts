import { cookieName } from '#api/auth/cookies.ts';
import { startSignIn } from '#api/auth/signIn.ts';
import { build, type BuiltUser } from '#tests/support/factories.ts';
import type { Stack } from '#tests/support/stack.ts';

/** Somebody who is signed in to a whole Berth. */
export interface StackPerson extends BuiltUser {
  cookie: string;
}

/** An answer with its body, which a test reads as what it expects. */
export interface StackAnswer {
  status: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test reads whatever the api answered.
  body: any;
}

/** A new account of this level, signed in. */
export async function newPerson(stack: Stack, reviewerLevel: number): Promise<StackPerson> {
  const user = await build.user(stack.database, { reviewerLevel });
  const origin = { address: '127.0.0.1', userAgent: 'test' };
  const id = await startSignIn(stack, { userId: user.id, origin });
  return { ...user, cookie: `${cookieName(stack.config)}=${id}` };
}

/** Posts as a page would. `path` begins after `/api/v1`. */
export async function postAs(
  stack: Stack,
  by: StackPerson,
  { path, body }: { path: string; body?: unknown },
): Promise<StackAnswer> {
  const answer = await fetch(`${stack.url}/api/v1${path}`, {
    method: 'POST',
    headers: {
      cookie: by.cookie,
      origin: stack.url,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: await answer.json() };
}

/** Submits a session with one file. Resolves with the review's id; its snapshot follows. */
export async function submitAs(stack: Stack, author: StackPerson): Promise<number> {
  const session = await build.session(stack.database, { userId: author.id });
  await build.file(stack.database, { sessionId: session.id, name: 'main.py' });
  const answer = await postAs(stack, author, {
    path: `/sessions/${session.uuid}/reviews`,
    body: { title: 'fractals' },
  });
  return answer.body.id as number;
}
