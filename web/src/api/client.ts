import { errorFromAnswer, offlineError, type ApiError } from './problem.ts';

/** What a request carries beside its method and path. */
export interface RequestOptions {
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as they are, instead of a body. */
  bytes?: { data: Blob; type: string; offset?: number };
  /** The key of a POST that is tried again: it is carried out once. One of its own unless given. */
  key?: string;
  query?: Record<string, string | number | boolean | undefined>;
  /** The version that a change is based on, for If-Match. */
  version?: number;
  signal?: AbortSignal;
}

const signedOutListeners = new Set<() => void>();

/** Calls back when the api says that nobody is signed in any more. Returns the way to stop. */
export function onSignedOut(listener: () => void): () => void {
  signedOutListeners.add(listener);
  return () => signedOutListeners.delete(listener);
}

/** Sends a request below /api/v1 and returns the parsed answer. Throws an ApiError for everything else. */
export async function request<Answer>(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
  let outcome = await exchange<Answer>(method, path, options);
  if (outcome.error?.code === 'NOT_AUTHENTICATED') {
    // A change of rights gives this sign-in a new cookie, and a request that crossed it on the way still carried the old
    // one. Once every answer under way is here, so is the new cookie; a refused request did nothing and can be repeated.
    await Promise.allSettled(underWay);
    outcome = await exchange<Answer>(method, path, options);
  }
  if (outcome.error === null) return outcome.answer;
  if (outcome.error.code === 'NOT_AUTHENTICATED') for (const listener of signedOutListeners) listener();
  throw outcome.error;
}

/** Reads a text below /api/v1. Throws an ApiError for everything else. */
export async function requestText(path: string): Promise<string> {
  const response = await send('GET', path, {});
  if (!response.ok) throw errorFromAnswer(response.status, await readJson(response));
  return response.text();
}

type Outcome<Answer> = { error: null; answer: Answer } | { error: ApiError };

const underWay = new Set<Promise<Response>>();

async function exchange<Answer>(method: string, path: string, options: RequestOptions): Promise<Outcome<Answer>> {
  const sent = send(method, path, options);
  underWay.add(sent);
  try {
    const response = await sent;
    const body = await readJson(response);
    return response.ok ? { error: null, answer: body as Answer } : { error: errorFromAnswer(response.status, body) };
  } finally {
    underWay.delete(sent);
  }
}

async function send(method: string, path: string, options: RequestOptions): Promise<Response> {
  const headers = new Headers({ accept: 'application/json' });
  if (options.body !== undefined) headers.set('content-type', 'application/json');
  if (options.version !== undefined) headers.set('if-match', `"${options.version}"`);
  if (options.bytes !== undefined) headers.set('content-type', options.bytes.type);
  if (options.bytes?.offset !== undefined) headers.set('upload-offset', String(options.bytes.offset));
  if (method === 'POST') headers.set('idempotency-key', options.key ?? randomKey());
  try {
    return await fetch(`/api/v1${path}${queryString(options.query)}`, {
      method,
      headers,
      credentials: 'same-origin',
      body: options.bytes?.data ?? (options.body === undefined ? null : JSON.stringify(options.body)),
      signal: options.signal ?? null,
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw offlineError();
  }
}

async function readJson(answer: Response): Promise<unknown> {
  const text = await answer.text();
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // A proxy's page; errorFromAnswer reports it.
    return undefined;
  }
}

function queryString(query: RequestOptions['query']): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

/** 128 random bits in hex. `crypto.randomUUID` is missing where Berth is opened by plain http on a network address. */
export function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
