import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { createAgentPool } from '#platform/agent/agentPool.ts';
import type { AgentClient } from '#platform/agent/AgentClient.ts';
import type { Runtime } from '#platform/runtime/Runtime.ts';

/** What a runtime is tested with. */
export interface RuntimeUnderTest {
  /** A second one on the same objects, as another process would have. */
  create(): Promise<Runtime>;
  secret: string;
  log: Logger;
  /** Ends the first process of the pod, as a crash would. */
  crash(uuid: string): Promise<void>;
  /** Resolves once the condition holds. */
  waitFor(condition: () => unknown, options: { what: string; deadlineMs?: number }): Promise<unknown>;
  stop(): Promise<void>;
}

/** The image of sessions may have to be built first. */
const START_MS = 16 * 60_000;
/** For one test, which makes and ends pods a few times on a machine that may be busy. */
const TEST_MS = 120_000;

/** The behaviour that every runtime shows; each adapter runs it as a part of its tests. */
export function describeRuntimeContract(name: string, start: () => Promise<RuntimeUnderTest>): void {
  describe(`the ${name} runtime`, () => {
    let test: RuntimeUnderTest;
    let runtime: Runtime;
    const volumes = new Map<string, string>();

    beforeAll(async () => {
      test = await start();
      runtime = await test.create();
    }, START_MS);
    afterAll(async () => {
      for (const [uuid, claimUid] of volumes) {
        await runtime.destroyPod(uuid);
        await runtime.destroyVolume(uuid, claimUid);
      }
      await runtime.close();
      await test.stop();
    }, 2 * TEST_MS);

    async function makeVolume(): Promise<{ uuid: string; claimUid: string }> {
      const uuid = randomUUID();
      const { claimUid } = await runtime.ensureVolume(uuid, 11);
      volumes.set(uuid, claimUid);
      return { uuid, claimUid };
    }

    async function makePod(generation = 1): Promise<{ uuid: string; claimUid: string; podUid: string }> {
      const { uuid, claimUid } = await makeVolume();
      const { podUid } = await runtime.ensurePod({ uuid, generation, volumeId: 11, claimUid, language: 'python' });
      return { uuid, claimUid, podUid };
    }

    async function withClient<T>(
      uuid: string,
      generation: number,
      work: (client: AgentClient) => Promise<T>,
    ): Promise<T> {
      const pool = createAgentPool({ runtime, secret: test.secret, log: test.log });
      try {
        return await work(await pool.get(uuid, generation, 30_000));
      } finally {
        await pool.close();
      }
    }

    it(
      'makes a volume once, with its sentinel, and refuses it to another row',
      async () => {
        const { uuid, claimUid } = await makeVolume();
        expect(await runtime.ensureVolume(uuid, 11)).toEqual({ claimUid });
        await expect(runtime.ensureVolume(uuid, 12)).rejects.toThrow('belongs to volume 11');
        await runtime.ensurePod({ uuid, generation: 1, volumeId: 11, claimUid, language: 'python' });
        const manifest = await withClient(uuid, 1, (client) => client.manifest({ syncEpoch: 1, keep: [] }));
        expect(manifest).toMatchObject({ volumeId: 11, entries: [], complete: true });
      },
      TEST_MS,
    );

    it(
      'makes a pod once, whoever asks, also at the same time',
      async () => {
        const { uuid, claimUid } = await makeVolume();
        const other = await test.create();
        const spec = { uuid, generation: 1, volumeId: 11, claimUid, language: 'python' };
        const made = await Promise.all([runtime.ensurePod(spec), other.ensurePod(spec), runtime.ensurePod(spec)]);
        expect(new Set(made.map(({ podUid }) => podUid)).size).toBe(1);
        await test.waitFor(async () => (await other.status(uuid)).status === 'running', { what: 'a running pod' });
        expect(await other.status(uuid)).toEqual({ status: 'running', cause: null, podUid: made[0]?.podUid });
        await other.close();
      },
      TEST_MS,
    );

    it(
      'never gives one generation the pod of another',
      async () => {
        const { uuid, claimUid, podUid } = await makePod(1);
        const spec = { uuid, generation: 2, volumeId: 11, claimUid, language: 'python' };
        const second = await runtime.ensurePod(spec);
        expect(second.podUid).not.toBe(podUid);
        await expect(runtime.connect(uuid, 1)).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
        await expect(runtime.ensurePod({ ...spec, generation: 1 })).rejects.toMatchObject({ code: 'STALE_GENERATION' });
        await withClient(uuid, 2, (client) => client.activity());
      },
      TEST_MS,
    );

    it(
      'never gives a volume the pod of another',
      async () => {
        const { uuid, claimUid, podUid } = await makePod();
        const other = { uuid, generation: 1, volumeId: 12, claimUid, language: 'python' };
        const second = await runtime.ensurePod(other);
        expect(second.podUid).not.toBe(podUid);
        expect(await runtime.ensurePod(other)).toEqual(second);
      },
      TEST_MS,
    );

    it(
      'keeps the files of a volume when its pod is destroyed, and its programs alive until then',
      async () => {
        const { uuid, claimUid, podUid } = await makePod();
        const outcome = await withClient(uuid, 1, async (client) => {
          await client.openTerminal({ name: null, size: { cols: 80, rows: 24 } });
          return client.apply([{ op: 'mkdir', path: 'kept' }], { syncEpoch: null, bulk: false });
        });
        expect(outcome).toEqual([{ outcome: 'applied' }]);
        // The client has gone; the pod goes on.
        const terminals = await withClient(uuid, 1, (client) => client.listTerminals());
        expect(terminals).toMatchObject([{ running: true }]);
        await runtime.destroyPod(uuid, 'the-uid-of-another-pod');
        await runtime.destroyPod(uuid, undefined, { upTo: 0 });
        expect(await runtime.status(uuid)).toMatchObject({ podUid });
        await runtime.destroyPod(uuid, podUid);
        expect(await runtime.status(uuid)).toMatchObject({ status: 'gone' });
        await runtime.destroyPod(uuid);
        await runtime.ensurePod({ uuid, generation: 2, volumeId: 11, claimUid, language: 'python' });
        const manifest = await withClient(uuid, 2, (client) => client.manifest({ syncEpoch: 1, keep: [] }));
        expect(manifest.entries.map(({ path }) => path)).toEqual(['kept']);
      },
      TEST_MS,
    );

    it(
      'tells of a pod that crashed, and makes it again',
      async () => {
        const { uuid, claimUid, podUid } = await makePod();
        const told: string[] = [];
        const stop = runtime.watch((changed) => told.push(changed));
        await withClient(uuid, 1, (client) => client.activity());
        await test.crash(uuid);
        await test.waitFor(async () => (await runtime.status(uuid)).status !== 'running', {
          what: 'the crash to be seen',
        });
        await test.waitFor(() => told.includes(uuid), { what: 'the crash to be told' });
        stop();
        const again = await runtime.ensurePod({ uuid, generation: 1, volumeId: 11, claimUid, language: 'python' });
        expect(again.podUid).not.toBe(podUid);
        await withClient(uuid, 1, (client) => client.activity());
      },
      TEST_MS,
    );

    it(
      'opens no agent to a wrong key',
      async () => {
        const { uuid } = await makePod();
        await withClient(uuid, 1, (client) => client.activity());
        const pool = createAgentPool({ runtime, secret: 'a wrong secret of at least 32 characters', log: test.log });
        await expect(pool.get(uuid, 1, 1_500)).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
        await pool.close();
      },
      TEST_MS,
    );

    it(
      'lists what it holds, and no longer what was destroyed',
      async () => {
        const { uuid, claimUid, podUid } = await makePod(3);
        const held = await runtime.list();
        expect(held.pods).toContainEqual(expect.objectContaining({ uuid, uid: podUid, generation: 3 }));
        expect(held.volumes).toContainEqual(expect.objectContaining({ uuid, uid: claimUid }));
        expect(held.pods.every(({ ageSeconds }) => ageSeconds >= 0 && ageSeconds < 600)).toBe(true);
        await runtime.destroyPod(uuid);
        await runtime.destroyVolume(uuid, 'the-uid-of-another-volume');
        expect((await runtime.list()).volumes.map((volume) => volume.uuid)).toContain(uuid);
        await runtime.destroyVolume(uuid, claimUid);
        await runtime.destroyVolume(uuid, claimUid);
        const left = await runtime.list();
        expect([...left.pods, ...left.volumes].map((object) => object.uuid)).not.toContain(uuid);
        expect(await runtime.status(uuid)).toEqual({ status: 'gone', cause: null, podUid: null });
      },
      TEST_MS,
    );

    it(
      'starts no pod on a volume that is not the one asked for',
      async () => {
        const { uuid } = await makeVolume();
        const spec = { uuid, generation: 1, volumeId: 11, claimUid: 'another', language: 'python' };
        await expect(runtime.ensurePod(spec)).rejects.toMatchObject({ code: 'INTERNAL' });
        expect(await runtime.status(uuid)).toMatchObject({ status: 'gone' });
      },
      TEST_MS,
    );

    it(
      'ends a pod once, whoever asks, also at the same time, and by force',
      async () => {
        const { uuid, podUid } = await makePod();
        const other = await test.create();
        await Promise.all([
          runtime.destroyPod(uuid, podUid),
          other.destroyPod(uuid),
          runtime.destroyPod(uuid, podUid, { force: true }),
        ]);
        expect(await other.status(uuid)).toEqual({ status: 'gone', cause: null, podUid: null });
        await runtime.destroyPod(uuid, podUid, { force: true });
        await other.close();
      },
      TEST_MS,
    );

    it(
      'lets the next generation begin while the one before is being ended',
      async () => {
        const { uuid, claimUid, podUid } = await makePod();
        const [second] = await Promise.all([
          runtime.ensurePod({ uuid, generation: 2, volumeId: 11, claimUid, language: 'python' }),
          runtime.destroyPod(uuid, podUid),
        ]);
        expect(await runtime.status(uuid)).toMatchObject({ podUid: second.podUid });
        await withClient(uuid, 2, (client) => client.activity());
      },
      TEST_MS,
    );

    it(
      'leaves pods and the streams of others alone when it is closed',
      async () => {
        const { uuid, podUid } = await makePod();
        const other = await test.create();
        const stop = other.watch(() => undefined);
        const pool = createAgentPool({ runtime: other, secret: test.secret, log: test.log });
        await pool.get(uuid, 1, 30_000);
        await withClient(uuid, 1, async (client) => {
          await pool.close();
          stop();
          await other.close();
          await client.activity();
        });
        expect(await runtime.status(uuid)).toMatchObject({ status: 'running', podUid });
      },
      TEST_MS,
    );

    it(
      'carries every byte, both ways at once',
      async () => {
        const { uuid } = await makePod();
        const contents = Array.from({ length: 12 }, () => randomBytes(2 * 1024 * 1024));
        const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
        await withClient(uuid, 1, async (client) => {
          const write = async (from: number, to: number): Promise<void> => {
            const changes = contents.slice(from, to).map((bytes, index) => ({
              op: 'write' as const,
              path: `${String(from + index)}.bin`,
              type: 'file' as const,
              expected: null,
              bytes,
              sha256: digest(bytes),
              executable: false,
            }));
            const outcomes = await client.apply(changes, { syncEpoch: null, bulk: true });
            expect(outcomes).toEqual(changes.map(() => ({ outcome: 'applied' })));
          };
          const read = async (from: number, to: number): Promise<void> => {
            const wanted = contents
              .slice(from, to)
              .map((bytes, index) => [`${String(from + index)}.bin`, digest(bytes)]);
            const got: string[][] = [];
            for await (const file of client.read(wanted.map(([path = '']) => path))) {
              got.push([file.path, digest(file.bytes)]);
            }
            expect(got.sort()).toEqual(wanted.sort());
          };
          await write(0, 6);
          await Promise.all([write(6, 12), read(0, 6)]);
          await read(0, 12);
        });
      },
      TEST_MS,
    );

    it('names what its pods are made from alike in every process', async () => {
      const other = await test.create();
      expect(other.specification).toBe(runtime.specification);
      expect(runtime.specification).toMatch(/^[0-9a-f]{64}$/);
      await other.close();
    });
  });
}
