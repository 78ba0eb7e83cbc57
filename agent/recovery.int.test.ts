import { randomUUID } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { createAgentPool } from '#platform/agent/agentPool.ts';
import { SANDBOX_USER } from '#platform/runtime/local/sandbox.ts';
import { createLocalRuntime } from '#platform/runtime/local/localRuntime.ts';
import { digest, writing } from '#tests/support/agentChanges.ts';
import { localConfig, startLocalSession } from '#tests/support/localSession.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const log = pino({ level: 'silent' });

describe('an agent that starts on a volume where another was killed', () => {
  it('removes half-written files, lets go what is known, and keeps bytes that nobody knows', async () => {
    const { config, remove } = localConfig();
    const runtime = await createLocalRuntime(config, log);
    const uuid = randomUUID();
    const { claimUid } = await runtime.ensureVolume(uuid, 1);
    const workspace = join(config.BERTH_DATA_DIR, 'volumes', uuid, 'workspace');
    const give = (name: string): void => {
      // As root the programs of a session are another user.
      if (process.getuid?.() === 0) chownSync(join(workspace, name), SANDBOX_USER, SANDBOX_USER);
    };
    const plant = (name: string, text: string): void => {
      writeFileSync(join(workspace, name), text);
      give(name);
    };
    for (const folder of ['folder', 'closed']) {
      mkdirSync(join(workspace, folder));
      give(folder);
    }
    plant('closed/.berth-new-9876543210', 'out of reach');
    chmodSync(join(workspace, 'closed'), 0o500);
    plant('folder/.berth-new-0123456789', 'half of someth');
    plant(`folder/.berth-old-${digest('known').slice(0, 16)}-abc`, 'known');
    plant(`.berth-old-${digest('expected').slice(0, 16)}-def`, 'written in the very moment');
    plant('file.txt', 'saved');
    await runtime.ensurePod({ uuid, generation: 1, volumeId: 1, claimUid, language: 'python' });
    const pool = createAgentPool({ runtime, secret: config.BERTH_SECRET, log });
    const { entries } = await (await pool.get(uuid, 1, 30_000)).manifest({ syncEpoch: 1, keep: [] });
    const paths = entries.map(({ path }) => path);
    expect(paths).toEqual(['closed', 'file.txt', 'folder', expect.stringMatching(/^recovered\.conflict-\d{8}-\d{6}$/)]);
    expect(readFileSync(join(workspace, paths[3] ?? ''), 'utf8')).toBe('written in the very moment');
    expect(readdirSync(join(workspace, 'folder'))).toEqual([]);
    await pool.close();
    await runtime.destroyPod(uuid);
    remove();
  });

  it('holds every acknowledged write, whenever the one before was killed', async () => {
    const session = await startLocalSession();
    const acknowledged = new Map<string, string>();
    let stopped = false;
    const writer = (async () => {
      for (let round = 0; !stopped; round += 1) {
        const path = `f${String(round % 7)}.txt`;
        const text = `round ${String(round)}`;
        const before = acknowledged.get(path);
        const change = writing(path, text, { expected: before === undefined ? null : digest(before) });
        try {
          const [outcome] = await session.client.apply([change], { syncEpoch: null, bulk: false });
          if (outcome?.outcome === 'applied') acknowledged.set(path, text);
        } catch {
          // Killed under it: neither known to be written nor not; the agent is gone for this writer.
          acknowledged.set(path, `${before ?? ''}|${text}`);
          return;
        }
      }
    })();
    await waitFor(() => acknowledged.size === 7);
    await session.runtime.destroyPod(session.uuid);
    stopped = true;
    await writer;
    const claimUid = (await session.runtime.list()).volumes[0]?.uid ?? '';
    await session.runtime.ensurePod({ uuid: session.uuid, generation: 1, volumeId: 1, claimUid, language: 'python' });
    const client = await session.connect();
    const found = new Map<string, string>();
    for await (const file of client.read([...acknowledged.keys()])) {
      found.set(file.path, Buffer.from(file.bytes).toString());
    }
    for (const [path, text] of acknowledged) expect(text.split('|')).toContain(found.get(path));
    const { entries } = await client.manifest({ syncEpoch: 1, keep: [] });
    expect(entries).toHaveLength(7);
    await session.stop();
  });
});
