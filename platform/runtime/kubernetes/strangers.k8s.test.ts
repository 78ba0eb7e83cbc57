import { jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type { V1Pod } from '@kubernetes/client-node';
import { podName } from '#shared/domain/podNames.ts';
import { AGENT_PSK_IDENTITY, AGENT_TLS_CIPHERS } from '#shared/contracts/agentProtocol.ts';
import { buildPod, buildSecret } from '#platform/runtime/kubernetes/objects.ts';
import type { PodSpec } from '#platform/runtime/Runtime.ts';
import { startClusterRuntime, type ClusterRuntime } from '#tests/support/clusterRuntime.ts';
import { waitFor } from '#tests/support/waitFor.ts';

jest.setTimeout(180_000);

let cluster: ClusterRuntime;
beforeAll(async () => {
  cluster = await startClusterRuntime();
}, 16 * 60_000);
afterAll(() => cluster.stop(), 180_000);

async function running(): Promise<PodSpec> {
  const spec = await cluster.newSpec();
  await cluster.runtime.ensurePod(spec);
  await cluster.agents.get(spec.uuid, spec.generation, 60_000);
  return spec;
}

async function addressOf({ uuid }: PodSpec): Promise<string> {
  return (await cluster.namespace.get<V1Pod>('pod', podName(uuid))).status?.podIP ?? '';
}

/** Runs a program of Node in the pod and resolves with what it prints. */
function runNode({ uuid }: PodSpec, program: string): Promise<string> {
  return cluster.namespace.kubectl('exec', podName(uuid), '--', 'node', '-e', program);
}

/** Connects to an agent with a key (an expression), says something and prints `opened` or `refused`, and what came. */
function knock(address: string, key: string): string {
  return `
    const socket = require('node:tls').connect({
      host: ${JSON.stringify(address)}, port: 7070, ciphers: ${JSON.stringify(AGENT_TLS_CIPHERS)},
      minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', checkServerIdentity: () => undefined,
      pskCallback: () => ({ identity: ${JSON.stringify(AGENT_PSK_IDENTITY)}, psk: ${key} }),
    });
    socket.on('secureConnect', () => { console.log('opened'); socket.destroy(); });
    socket.on('error', (error) => { console.log('refused ' + error.code); });
    socket.setTimeout(20_000, () => { console.log('silent'); socket.destroy(); });
  `;
}

describe('a stranger in the cluster', () => {
  it('opens no agent from its own pod, with no key, a made-up one or its own', async () => {
    const [victim, stranger] = await Promise.all([running(), running()]);
    const address = await addressOf(victim);
    const ownKey = `Buffer.from(require('node:fs').readFileSync('/run/berth/key', 'utf8').trim(), 'hex')`;
    // The stranger's key opens its own agent, so that a refusal means the key and not the way.
    expect(await runNode(stranger, knock('127.0.0.1', ownKey))).toBe('opened\n');
    expect(await runNode(stranger, knock(address, ownKey))).toMatch(/^refused /);
    expect(await runNode(stranger, knock(address, `Buffer.alloc(32)`))).toMatch(/^refused /);
    const plain = `
      const socket = require('node:net').connect({ host: ${JSON.stringify(address)}, port: 7070 });
      let received = 0;
      socket.on('data', (bytes) => { received += bytes.length; });
      socket.on('connect', () => socket.write('{"open":"pty"}\\n'.repeat(1000)));
      socket.on('error', () => undefined);
      socket.on('close', () => console.log('closed', received < 100));
      socket.setTimeout(60_000, () => { console.log('open'); socket.destroy(); });
    `;
    expect(await runNode(stranger, plain)).toBe('closed true\n');
    // The agent that was knocked at goes on for those who may.
    const client = await cluster.agents.get(victim.uuid, 1, 20_000);
    expect(await client.listTerminals()).toEqual([]);
  });

  it('cannot pose as a session, in a pod of the right name with the right labels', async () => {
    const { namespace, config, installation, runtime, agents } = cluster;
    const spec = await cluster.newSpec();
    await namespace.apply(buildSecret(config, { installation, spec, key: randomBytes(32) }));
    await namespace.apply(buildPod(config, { installation, spec }));
    await waitFor(async () => (await runtime.status(spec.uuid)).status === 'running', {
      deadlineMs: 60_000,
      what: 'the pod that poses',
    });
    // It listens: the stream opens, and nothing but the proof of the key fails.
    const stream = await waitFor(
      async () => {
        const opened = await runtime.connect(spec.uuid, 1);
        return opened;
      },
      { deadlineMs: 30_000, what: 'its port' },
    );
    stream.destroy();
    await expect(agents.get(spec.uuid, 1, 3_000)).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
  });

  it('cannot answer for another generation of its own session', async () => {
    const spec = await running();
    await expect(cluster.runtime.connect(spec.uuid, 2)).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
    // Not even where the label was changed to say so.
    await cluster.namespace.kubectl('label', 'pod', podName(spec.uuid), 'berth.dev/generation=2', '--overwrite');
    await expect(cluster.agents.get(spec.uuid, 2, 3_000)).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
  });
});
