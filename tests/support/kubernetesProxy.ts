import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { z } from 'zod';
import { kubectl } from '#tests/support/cluster.ts';

/**
 * What the proxy does with requests. `pass`: hands them on. `error`: answers 500. `hang`: takes them and never answers.
 * `empty`: lists have no items and watches tell nothing; all else is handed on. `throttle`: answers 429 with Retry-After.
 * `refuse`: takes no connection.
 */
export type ProxyMode = 'pass' | 'error' | 'hang' | 'empty' | 'throttle' | 'refuse';

/** A proxy of a test's own, on loopback in front of the API server of the cluster that KUBECONFIG names. */
export interface KubernetesProxy {
  /** A kubeconfig file that leads through the proxy. */
  readonly kubeconfig: string;
  /** Cuts the watches that are open, and in `refuse` every stream; from then on it treats requests that way. */
  switchTo(mode: ProxyMode): Promise<void>;
  /** How many requests were not handed on since the last switch. */
  misled(): number;
  stop(): Promise<void>;
}

const KubeconfigSchema = z.object({
  clusters: z.tuple([
    z.object({ cluster: z.object({ server: z.url(), 'certificate-authority-data': z.base64().optional() }) }),
  ]),
  users: z.tuple([
    z.object({
      user: z.object({
        'client-certificate-data': z.base64().optional(),
        'client-key-data': z.base64().optional(),
        token: z.string().optional(),
      }),
    }),
  ]),
});

/** Where the API server is, and who we are to it. */
interface Upstream {
  url: URL;
  tls: { ca?: Buffer; cert?: Buffer; key?: Buffer };
  headers: Record<string, string>;
}

/** Starts a proxy that hands everything on. It knows the credentials; who comes through it needs none. */
export async function startKubernetesProxy(): Promise<KubernetesProxy> {
  const upstream = await readUpstream();
  const agent = new Agent({ keepAlive: true, ...upstream.tls });
  const folder = mkdtempSync(path.join(tmpdir(), 'berth-proxy-'));
  const proxy = new SwitchableProxy(upstream, agent);
  const port = await proxy.listen(0);
  const kubeconfig = path.join(folder, 'kubeconfig.json');
  writeFileSync(kubeconfig, JSON.stringify(kubeconfigFor(`http://127.0.0.1:${String(port)}`)));
  return {
    kubeconfig,
    switchTo: (mode) => proxy.switchTo(mode, port),
    misled: () => proxy.misled,
    async stop() {
      await proxy.close();
      agent.destroy();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

class SwitchableProxy {
  misled = 0;
  #mode: ProxyMode = 'pass';
  #upstream: Upstream;
  #agent: Agent;
  #server: Server | null = null;
  /** What a switch cuts: open watches, and requests that wait for an answer in vain. */
  #watches = new Set<() => void>();
  #connections = new Set<Duplex>();

  constructor(upstream: Upstream, agent: Agent) {
    this.#upstream = upstream;
    this.#agent = agent;
  }

  async listen(port: number): Promise<number> {
    const server = createServer((request, response) => this.#answer(request, response));
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    server.on('connection', (socket) => {
      this.#connections.add(socket);
      socket.on('close', () => this.#connections.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    this.#server = server;
    return (server.address() as AddressInfo).port;
  }

  async switchTo(mode: ProxyMode, port: number): Promise<void> {
    this.#mode = mode;
    this.misled = 0;
    for (const cut of [...this.#watches]) cut();
    if (mode === 'refuse') await this.close();
    else if (this.#server === null) await this.listen(port);
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.#connections) socket.destroy();
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const mode = this.#mode;
    const list = mode === 'empty' && request.method === 'GET' ? listOf(request.url ?? '') : null;
    if (mode === 'pass' || (mode === 'empty' && list === null)) {
      this.#handOn(request, response);
      return;
    }
    this.misled += 1;
    request.resume();
    if (mode === 'error') answerStatus(response, 500, 'InternalError');
    else if (mode === 'throttle') answerStatus(response, 429, 'TooManyRequests', { 'retry-after': '1' });
    else if (list !== null && !list.watch) answerJson(response, 200, emptyList(list.resource));
    else this.#keepSilent(response, list !== null);
  }

  /** Says nothing until the next switch: not even the headers, or (of a watch) those alone. */
  #keepSilent(response: ServerResponse, headers: boolean): void {
    if (headers) {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
    }
    this.#cutAtSwitch(response, () => response.destroy());
  }

  #handOn(request: IncomingMessage, response: ServerResponse): void {
    const outgoing = httpsRequest(this.#outgoing(request), (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      // A watch may tell nothing for minutes; who asked waits for its headers.
      response.flushHeaders();
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    response.on('close', () => outgoing.destroy());
    request.pipe(outgoing);
    if (isWatch(request.url ?? '')) this.#cutAtSwitch(response, () => response.destroy());
  }

  #cutAtSwitch(response: ServerResponse, cut: () => void): void {
    this.#watches.add(cut);
    response.on('close', () => this.#watches.delete(cut));
  }

  /** Streams (port-forward) are handed on as bytes. Those that are open go on until connections are refused. */
  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    if (this.#mode === 'error' || this.#mode === 'throttle') {
      this.misled += 1;
      socket.end('HTTP/1.1 500 Internal Server Error\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    if (this.#mode === 'hang') {
      this.misled += 1;
      const cut = (): void => void socket.destroy();
      this.#watches.add(cut);
      socket.on('close', () => this.#watches.delete(cut));
      return;
    }
    const { url, tls } = this.#upstream;
    const upstream = connectTls({ host: url.hostname, port: Number(url.port || 443), ...tls });
    upstream.on('error', () => socket.destroy());
    upstream.on('close', () => socket.destroy());
    socket.on('close', () => upstream.destroy());
    const { method = 'GET', headers } = this.#outgoing(request);
    const lines = Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${String(value)}\r\n`);
    upstream.write(`${method} ${request.url ?? '/'} HTTP/1.1\r\n${lines.join('')}\r\n`);
    upstream.write(head);
    upstream.pipe(socket).pipe(upstream);
  }

  #outgoing(request: IncomingMessage): RequestOptions {
    const { url, headers } = this.#upstream;
    return {
      agent: this.#agent,
      host: url.hostname,
      port: url.port || 443,
      path: request.url,
      method: request.method,
      headers: { ...request.headers, ...headers, host: url.host },
    };
  }
}

async function readUpstream(): Promise<Upstream> {
  const text = await kubectl(['config', 'view', '--raw', '--minify', '--flatten', '-o', 'json']);
  const { clusters, users } = KubeconfigSchema.parse(JSON.parse(text));
  const { user } = users[0];
  const { server, 'certificate-authority-data': authority } = clusters[0].cluster;
  const decode = (data: string): Buffer => Buffer.from(data, 'base64');
  return {
    url: new URL(server),
    tls: {
      ...(authority !== undefined && { ca: decode(authority) }),
      ...(user['client-certificate-data'] !== undefined && { cert: decode(user['client-certificate-data']) }),
      ...(user['client-key-data'] !== undefined && { key: decode(user['client-key-data']) }),
    },
    headers: user.token === undefined ? {} : { authorization: `Bearer ${user.token}` },
  };
}

function kubeconfigFor(server: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    // Without the second word the client library refuses plain HTTP, also on loopback.
    clusters: [{ name: 'proxy', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'proxy', user: {} }],
    contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'proxy' } }],
    'current-context': 'proxy',
  };
}

/** What a GET lists or watches; null when it reads one object or no objects at all. */
function listOf(address: string): { resource: string; watch: boolean } | null {
  const { pathname } = new URL(address, 'http://proxy');
  const match = /^\/(?:api\/v1|apis\/[^/]+\/[^/]+)(?:\/namespaces\/[^/]+)?\/([a-z]+)$/.exec(pathname);
  return match?.[1] === undefined ? null : { resource: match[1], watch: isWatch(address) };
}

function isWatch(address: string): boolean {
  return ['true', '1'].includes(new URL(address, 'http://proxy').searchParams.get('watch') ?? '');
}

/** The kinds of lists that are asked for. */
const LIST_KINDS: Record<string, string> = {
  pods: 'PodList',
  persistentvolumeclaims: 'PersistentVolumeClaimList',
  secrets: 'SecretList',
  events: 'EventList',
  namespaces: 'NamespaceList',
};

function emptyList(resource: string): object {
  return { kind: LIST_KINDS[resource] ?? 'List', apiVersion: 'v1', metadata: { resourceVersion: '1' }, items: [] };
}

function answerStatus(
  response: ServerResponse,
  code: number,
  reason: string,
  headers: Record<string, string> = {},
): void {
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: reason, reason, code };
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  answerJson(response, code, status);
}

function answerJson(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
