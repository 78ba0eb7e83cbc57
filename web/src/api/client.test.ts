import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Problem } from '#shared/contracts/problem.ts';
import { onSignedOut, request } from './client.ts';

const REFUSAL: Problem = {
  type: 'urn:berth:problem:not-authenticated',
  title: 'You are not signed in',
  status: 401,
  code: 'NOT_AUTHENTICATED',
  detail: 'Sign in.',
  requestId: 'one',
  errors: [],
};

/** A server on which POST /promote changes the valid cookie at once and answers when it is told to. */
let server: Server;
let valid = 'old';
let answerPromotion: () => void = () => undefined;
let promotionArrived: Promise<void>;
let refused: Promise<void>;

/** The browser's part: addresses are relative, and a cookie is known once its answer has come. */
let cookie = 'old';
const nodeFetch = globalThis.fetch;

beforeEach(async () => {
  valid = cookie = 'old';
  let arrived: () => void;
  let refuse: () => void;
  promotionArrived = new Promise((resolve) => (arrived = resolve));
  refused = new Promise((resolve) => (refuse = resolve));
  server = createServer((incoming, response) => {
    if (incoming.headers.cookie !== valid) {
      response.writeHead(401).end(JSON.stringify(REFUSAL), refuse);
    } else if (incoming.method === 'POST') {
      valid = 'new';
      answerPromotion = () => response.writeHead(200, { 'set-cookie': 'new' }).end('{"level":1}');
      arrived();
    } else {
      response.end('{"found":true}');
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  globalThis.fetch = async (address, options) => {
    const headers = new Headers(options?.headers);
    headers.set('cookie', cookie);
    const answer = await nodeFetch(`http://127.0.0.1:${port}${String(address)}`, { ...options, headers });
    cookie = answer.headers.getSetCookie()[0] ?? cookie;
    return answer;
  };
});
afterEach(async () => {
  globalThis.fetch = nodeFetch;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe('a request whose cookie was replaced on its way', () => {
  it('is sent again with the new one, and nobody is signed out', async () => {
    let signedOut = 0;
    const stop = onSignedOut(() => (signedOut += 1));
    const promotion = request('POST', '/promote');
    await promotionArrived;
    const crossing = request('GET', '/thing');
    await refused;
    answerPromotion();
    expect(await promotion).toEqual({ level: 1 });
    expect(await crossing).toEqual({ found: true });
    expect(signedOut).toBe(0);
    stop();
  });

  it('signs out when the new one is refused as well', async () => {
    let signedOut = 0;
    const stop = onSignedOut(() => (signedOut += 1));
    cookie = 'nobody';
    await expect(request('GET', '/thing')).rejects.toMatchObject({ code: 'NOT_AUTHENTICATED' });
    expect(signedOut).toBe(1);
    stop();
  });
});
