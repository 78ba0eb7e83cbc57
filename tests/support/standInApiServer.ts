import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** How a request is answered. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A server of the test's own where an API server should be: it says what it is told to, also what no API server says. */
export interface StandInApiServer {
  /** Each request gets the answer that is set at that moment. */
  answer: Answer;
  /** Method and path of every request since the last `forget`. */
  asked: string[];
  /** When each of them came, in milliseconds. */
  askedAt: number[];
  /** The folder of its kubeconfig, which goes with it. */
  readonly folder: string;
  forget(): void;
  stop(): Promise<void>;
}

/** Starts it, and leads KUBECONFIG of this process to it until it stops. */
export async function startStandInApiServer(): Promise<StandInApiServer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'berth-kubeconfig-'));
  const before = process.env['KUBECONFIG'];
  const server = createServer((request, response) => {
    standIn.askedAt.push(performance.now());
    standIn.asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
    standIn.answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const standIn: StandInApiServer = {
    answer: answerStatus(503, 'ServiceUnavailable'),
    asked: [],
    askedAt: [],
    folder,
    forget() {
      standIn.asked = [];
      standIn.askedAt = [];
      server.closeAllConnections();
    },
    async stop() {
      if (before === undefined) delete process.env['KUBECONFIG'];
      else process.env['KUBECONFIG'] = before;
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  process.env['KUBECONFIG'] = writeKubeconfig(
    folder,
    `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
  );
  return standIn;
}

/** Answers with an object. */
export function answerJson(status: number, body: object, headers: Record<string, string> = {}): Answer {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
}

/** Answers with a failure as the API server words it. */
export function answerStatus(code: number, reason: string, details?: object): Answer {
  return answerJson(code, {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    reason,
    message: reason,
    code,
    details,
  });
}

function writeKubeconfig(folder: string, address: string): string {
  const file = path.join(folder, 'kubeconfig.json');
  writeFileSync(
    file,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
      clusters: [{ name: 'test', cluster: { server: address, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'test', user: {} }],
    }),
  );
  return file;
}
