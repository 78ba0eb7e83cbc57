import { jest } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import path from 'node:path';
import type { V1Pod } from '@kubernetes/client-node';
import pino from 'pino';
import { ConfigError } from '#platform/config/config.ts';
import { createKubernetesClient, type KubernetesClient } from '#platform/runtime/kubernetes/client.ts';
import { ownLabels } from '#platform/runtime/kubernetes/labels.ts';
import { createPodInformer } from '#platform/runtime/kubernetes/podInformer.ts';
import {
  answerJson,
  answerStatus,
  startStandInApiServer,
  type Answer,
  type StandInApiServer,
} from '#tests/support/standInApiServer.ts';
import { waitFor } from '#tests/support/waitFor.ts';

jest.setTimeout(60_000);

let server: StandInApiServer;
let client: KubernetesClient;

beforeAll(async () => {
  server = await startStandInApiServer();
});
beforeEach(() => {
  server.forget();
  client = createKubernetesClient('sessions');
});
afterEach(() => client.close());
afterAll(() => server.stop());

function pod(uuid: string, version: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `exec-${uuid}`,
      uid: `uid-${uuid}`,
      resourceVersion: version,
      labels: ownLabels({ installation: 'here', uuid, generation: 1, volumeId: 1 }),
    },
  };
}

function podList(items: object[], metadata: object = { resourceVersion: '10' }): object {
  return { apiVersion: 'v1', kind: 'PodList', metadata, items };
}

describe('a pod that is read', () => {
  it('is not there only by the word of the API server about this very pod', async () => {
    server.answer = answerStatus(404, 'NotFound', { name: 'exec-1', kind: 'pods' });
    expect(await client.readPod('exec-1')).toBeNull();
  });

  it.each<[string, Answer]>([
    [
      'a page of a proxy',
      (_, response) => response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>404</h1>'),
    ],
    ['a 404 about something else', answerStatus(404, 'NotFound', { name: 'sessions', kind: 'namespaces' })],
    ['a 404 that says no name', answerStatus(404, 'NotFound')],
    ['an outage', answerStatus(500, 'InternalError')],
    ['an outage without a word', (_, response) => response.writeHead(503).end()],
    ['a wrong login', answerStatus(401, 'Unauthorized')],
    ['missing rights', answerStatus(403, 'Forbidden', { name: 'exec-1', kind: 'pods' })],
    ['a list instead of a pod', answerJson(200, podList([]))],
    ['another pod', answerJson(200, pod('2', '1'))],
    ['nothing at all', answerJson(200, {})],
    [
      'half an answer',
      (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"kind":'),
    ],
    ['a connection that breaks', (request) => request.socket.destroy()],
  ])('is unknown after %s', async (_, given) => {
    server.answer = given;
    await expect(client.readPod('exec-1')).rejects.toMatchObject({ name: expect.stringMatching(/Error$/) as string });
  });

  it('is unknown when the answer does not come in time', async () => {
    server.answer = () => undefined;
    await expect(client.readPod('exec-1')).rejects.toMatchObject({ name: 'KubernetesError', reason: 'Timeout' });
  });

  it('is server.asked for again when the server has too much to do', async () => {
    let refusals = 2;
    server.answer = (request, response) => {
      if (refusals === 0) return answerJson(200, pod('1', '1'))(request, response);
      refusals -= 1;
      return answerJson(429, { kind: 'Status', reason: 'TooManyRequests' }, { 'retry-after': '1' })(request, response);
    };
    const started = Date.now();
    expect((await client.readPod('exec-1'))?.metadata?.uid).toBe('uid-1');
    expect(Date.now() - started).toBeGreaterThanOrEqual(2_000);
    expect(server.asked).toHaveLength(3);
  });
});

describe('a list', () => {
  it('has all pages', async () => {
    server.answer = (request, response) => {
      const second = request.url?.includes('continue=more') === true;
      const page = second
        ? podList([pod('2', '2')])
        : podList([pod('1', '1')], { resourceVersion: '10', continue: 'more' });
      answerJson(200, page)(request, response);
    };
    const { items, resourceVersion } = await client.listPods('a=b');
    expect(items.map(({ metadata }) => metadata?.name)).toEqual(['exec-1', 'exec-2']);
    expect(resourceVersion).toBe('10');
    expect(server.asked.every((request) => request.includes('labelSelector=a%3Db'))).toBe(true);
  });

  it.each<[string, Answer]>([
    ['an outage', answerStatus(500, 'InternalError')],
    ['an empty object', answerJson(200, {})],
    ['a list of no time', answerJson(200, podList([], {}))],
    [
      'an end in the middle of its pages',
      (request, response) =>
        request.url?.includes('continue=') === true
          ? answerStatus(410, 'Expired')(request, response)
          : answerJson(200, podList([pod('1', '1')], { resourceVersion: '10', continue: 'more' }))(request, response),
    ],
  ])('is no list after %s', async (_, given) => {
    server.answer = given;
    await expect(client.listPods('a=b')).rejects.toMatchObject({ name: 'KubernetesError' });
  });
});

describe('changes', () => {
  it('go to the server twenty at once', async () => {
    let open = 0;
    let most = 0;
    const held: (() => void)[] = [];
    server.answer = (request, response) => {
      open += 1;
      most = Math.max(most, open);
      held.push(() => {
        open -= 1;
        answerJson(201, pod('1', '1'))(request, response);
      });
    };
    const made = Promise.all(Array.from({ length: 50 }, () => client.createPod({} as V1Pod)));
    await waitFor(() => held.length === 20, { what: 'twenty requests' });
    const release = setInterval(() => held.splice(0).forEach((send) => send()), 5);
    await made;
    clearInterval(release);
    expect(most).toBe(20);
    expect(server.asked).toHaveLength(50);
  });

  it('are made again where only the count of a quota was in the way', async () => {
    let first = true;
    server.answer = (request, response) => {
      if (!first) return answerJson(201, pod('1', '1'))(request, response);
      first = false;
      return answerStatus(409, 'Conflict', { name: 'sessions', kind: 'resourcequotas' })(request, response);
    };
    expect((await client.createPod({} as V1Pod)).metadata?.uid).toBe('uid-1');
    expect(server.asked).toHaveLength(2);
  });

  it('that were refused say by whom and why', async () => {
    server.answer = answerStatus(409, 'AlreadyExists', { name: 'exec-1', kind: 'pods' });
    await expect(client.createPod({} as V1Pod)).rejects.toMatchObject({ status: 409, reason: 'AlreadyExists' });
    server.answer = answerStatus(404, 'NotFound', { name: 'exec-1', kind: 'pods' });
    await expect(client.deletePod('exec-1', 'uid-1')).resolves.toBeUndefined();
    server.answer = answerStatus(409, 'Conflict', { name: 'exec-1', kind: 'pods' });
    await expect(client.deletePod('exec-1', 'uid-1')).rejects.toMatchObject({ reason: 'Conflict' });
  });
});

describe('the watch of pods', () => {
  const log = pino({ level: 'silent' });
  const isWatch = (request: IncomingMessage): boolean => request.url?.includes('watch=true') === true;

  function listen(): { told: string[]; close(): Promise<void> } {
    const told: string[] = [];
    const informer = createPodInformer({ client, installationId: async () => 'here', log });
    informer.subscribe((uuid) => told.push(uuid));
    return { told, close: () => informer.close() };
  }

  const event = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;

  it('tells of what is there and of what changes', async () => {
    server.answer = (request, response) => {
      if (!isWatch(request)) return answerJson(200, podList([pod('a', '1')]))(request, response);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(event('BOOKMARK', { kind: 'Pod', metadata: { resourceVersion: '11' } }));
      return response.write(event('MODIFIED', pod('b', '12')));
    };
    const { told, close } = listen();
    await waitFor(() => told.includes('b'), { what: 'the change' });
    expect(told).toEqual(['a', 'b']);
    const watch = server.asked.find((request) => request.includes('watch=true')) ?? '';
    for (const part of [
      'resourceVersion=10',
      'timeoutSeconds=240',
      'allowWatchBookmarks=true',
      'berth.dev%2Finstallation%3Dhere',
    ]) {
      expect(watch).toContain(part);
    }
    await close();
  });

  it.each<[string, Answer]>([
    ['a 410', answerStatus(410, 'Expired')],
    [
      'a 410 within it',
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write(event('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' }));
      },
    ],
    ['a 429', answerStatus(429, 'TooManyRequests')],
    ['a 500', answerStatus(500, 'InternalError')],
    [
      'a stream that breaks',
      (request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write(event('MODIFIED', pod('b', '12')).slice(0, 20));
        setImmediate(() => request.socket.destroy());
      },
    ],
    ['an end at once', (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end()],
    ['bytes that are no event', (_, response) => response.writeHead(200).end('\u0000\n{}\nnull\n')],
  ])('goes on after %s, and tells what happened meanwhile', async (_, given) => {
    let failed = false;
    server.answer = (request, response) => {
      if (isWatch(request)) {
        if (failed) return void response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
        failed = true;
        return given(request, response);
      }
      return answerJson(200, podList(failed ? [pod('a', '1'), pod('c', '20')] : [pod('a', '1'), pod('d', '1')]))(
        request,
        response,
      );
    };
    const { told, close } = listen();
    await waitFor(() => told.includes('c'), { deadlineMs: 20_000, what: 'the pod of meanwhile' });
    // The one that did not change is told once; the one that went is told again.
    expect(told.filter((uuid) => uuid === 'a')).toHaveLength(1);
    expect(told.filter((uuid) => uuid === 'd')).toHaveLength(2);
    await close();
  });

  it('does not ask a server in a tight loop that fails for ever', async () => {
    server.answer = answerStatus(500, 'InternalError');
    const { close } = listen();
    await waitFor(() => server.asked.length >= 3, { deadlineMs: 30_000, what: 'a third try' });
    const [first = 0, second = 0, third = 0] = server.askedAt;
    // Half of the pauses at least: they are jittered.
    expect(second - first).toBeGreaterThanOrEqual(249);
    expect(third - second).toBeGreaterThanOrEqual(499);
    await close();
  });

  it('is one for all who listen, and ends when it is closed', async () => {
    let open = 0;
    server.answer = (request, response) => {
      if (!isWatch(request)) return answerJson(200, podList([]))(request, response);
      open += 1;
      response.on('close', () => (open -= 1));
      return response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    };
    const informer = createPodInformer({ client, installationId: async () => 'here', log });
    const stop = informer.subscribe(() => undefined);
    informer.subscribe(() => undefined);
    await waitFor(() => open === 1, { what: 'the watch' });
    stop();
    expect(server.asked.filter((request) => request.includes('watch=true'))).toHaveLength(1);
    await informer.close();
    await waitFor(() => open === 0, { what: 'the end of the watch' });
  });
});

describe('a client without a cluster', () => {
  it.each([
    ['a file that is not there', 'nowhere.json', null],
    ['a file that is none', 'broken.json', 'not: [valid'],
    ['a file without a cluster', 'empty.json', '{}'],
  ])('is refused with %s', (_, name, content) => {
    const before = process.env['KUBECONFIG'];
    const file = path.join(server.folder, name);
    if (content !== null) writeFileSync(file, content);
    process.env['KUBECONFIG'] = file;
    try {
      expect(() => createKubernetesClient('sessions')).toThrow(ConfigError);
      expect(() => createKubernetesClient('sessions')).toThrow('Set KUBECONFIG to the file of a cluster');
    } finally {
      if (before === undefined) delete process.env['KUBECONFIG'];
      else process.env['KUBECONFIG'] = before;
    }
  });
});
