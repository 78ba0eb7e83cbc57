import { WebSocket } from 'ws';
import { z } from 'zod';
import { CONTAINER_NAME } from '#platform/runtime/kubernetes/objects.ts';
import { kubectl } from '#tests/support/kubectl.ts';

/** A command in a pod through the API server, as `kubectl exec` runs one: what Berth is measured against, and never uses. */
export interface RawExec {
  /** Sends bytes to its standard input. */
  write(bytes: Uint8Array): Promise<void>;
  /** Says that there is no more input. */
  end(): void;
  /** Calls back with what it prints. */
  onOutput(listener: (bytes: Buffer) => void): void;
  /** Resolves when the stream has ended. */
  ended: Promise<void>;
  close(): void;
}

const STDIN = 0;
const STDOUT = 1;
const CLOSE = 255;

const KubeConfigSchema = z.object({
  clusters: z.tuple([
    z.object({ cluster: z.object({ server: z.string(), 'certificate-authority-data': z.string().optional() }) }),
  ]),
  users: z.tuple([
    z.object({
      user: z.object({
        'client-certificate-data': z.string().optional(),
        'client-key-data': z.string().optional(),
        token: z.string().optional(),
      }),
    }),
  ]),
});

/** Runs a command in the pod. Rejects when the API server refuses. */
export async function rawExec(
  pod: { namespace: string; name: string },
  { command, tty }: { command: string[]; tty: boolean },
): Promise<RawExec> {
  const { server, options } = await readKubeConfig();
  const query = new URLSearchParams({ container: CONTAINER_NAME, stdin: 'true', stdout: 'true', tty: String(tty) });
  for (const part of command) query.append('command', part);
  const address = `${server.replace(/^http/, 'ws')}/api/v1/namespaces/${pod.namespace}/pods/${pod.name}/exec?${query.toString()}`;
  const socket = new WebSocket(address, ['v5.channel.k8s.io'], { ...options, perMessageDeflate: false });
  const listeners: ((bytes: Buffer) => void)[] = [];
  socket.on('message', (data: Buffer) => {
    if (data[0] === STDOUT) for (const listener of listeners) listener(data.subarray(1));
  });
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('error', reject);
  });
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        socket.send(Buffer.concat([Buffer.of(STDIN), bytes]), (error) => (error ? reject(error) : resolve()));
      }),
    end: () => socket.send(Buffer.of(CLOSE, STDIN)),
    onOutput: (listener) => void listeners.push(listener),
    ended,
    close: () => socket.close(),
  };
}

async function readKubeConfig() {
  const text = await kubectl(['config', 'view', '--raw', '--minify', '--flatten', '-o', 'json']);
  const { clusters, users } = KubeConfigSchema.parse(JSON.parse(text));
  const { server, 'certificate-authority-data': ca } = clusters[0].cluster;
  const { 'client-certificate-data': cert, 'client-key-data': key, token } = users[0].user;
  const decode = (value: string | undefined): Buffer | undefined =>
    value === undefined ? undefined : Buffer.from(value, 'base64');
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return { server, options: { ca: decode(ca), cert: decode(cert), key: decode(key), headers } };
}
