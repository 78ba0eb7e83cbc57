import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { createAgentPool } from '#platform/agent/agentPool.ts';
import { loadConfig } from '#platform/config/config.ts';
import { createLocalRuntime } from '#platform/runtime/local/localRuntime.ts';
import { openScreen } from '#tests/support/terminalScreen.ts';

/*
 * Starts two sessions and tries from inside the first to reach what it must not. Prints what its shell printed, cleaned
 * of the commands themselves. Runs as whichever user started it.
 */

const log = pino({ level: 'silent' });
const config = loadConfig({ ...process.env, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' });
const runtime = await createLocalRuntime(config, log);
const pool = createAgentPool({ runtime, secret: config.BERTH_SECRET, log });
const neighbour = await startSession('secret-of-neighbour');
const own = await startSession('own-bytes');
const client = await pool.get(own.uuid, 1, 30_000);

/** Tries to read a path, and never prints what is in it. */
function reading(what: string, path: string): string {
  return `if head -c 1 "${path}" >/dev/null 2>&1 || ls "${path}/" >/dev/null 2>&1; then echo "${what}: readable"; else echo "${what}: denied"; fi`;
}

function writing(what: string, path: string): string {
  return `if (echo x > "${path}") 2>/dev/null; then echo "write ${what}: allowed"; else echo "write ${what}: denied"; fi`;
}

const script = [
  'echo own: $(cat file.txt)',
  "echo python: $(python3 -c 'print(6*7)')",
  'id',
  reading('shadow', '/etc/shadow'),
  reading('neighbour', join(config.BERTH_DATA_DIR, 'volumes', neighbour.uuid, 'workspace/file.txt')),
  reading('berth', process.env['SECRET_FILE'] ?? ''),
  reading('data folder', config.BERTH_DATA_DIR),
  reading('shadow by pid 1', '/proc/1/root/etc/shadow'),
  reading('shadow by the folder of pid 1', '/proc/1/cwd/etc/shadow'),
  reading('root home', '/root'),
  writing('usr', '/usr/bin/planted'),
  writing('etc', '/etc/planted'),
  writing('bundle', '/opt/berth/agent.mjs'),
  writing('root folder', '/planted'),
  'echo processes: $(ls -d /proc/[0-9]* | wc -l)',
  'echo interfaces: $(ls /sys/class/net 2>/dev/null || tail -n +3 /proc/net/dev | cut -d: -f1)',
  'tr -s "\\t" " " < /proc/self/status | grep -E "CapEff|NoNewPrivs"',
  'echo finished',
].join('\n');
writeFileSync(join(config.BERTH_DATA_DIR, 'volumes', own.uuid, 'workspace/probe.sh'), script);

const { id } = await client.openTerminal({ name: null, size: { cols: 200, rows: 50 } });
const screen = await openScreen(client, id);
screen.type('bash probe.sh\r');
await screen.awaitText('finished', 20_000);
process.stdout.write(screen.text());
await pool.close();
for (const { uuid, claimUid } of [own, neighbour]) {
  await runtime.destroyPod(uuid);
  await runtime.destroyVolume(uuid, claimUid);
}

async function startSession(content: string): Promise<{ uuid: string; claimUid: string }> {
  const uuid = randomUUID();
  const { claimUid } = await runtime.ensureVolume(uuid, 1);
  writeFileSync(join(config.BERTH_DATA_DIR, 'volumes', uuid, 'workspace/file.txt'), content);
  await runtime.ensurePod({ uuid, generation: 1, volumeId: 1, claimUid, language: 'python' });
  return { uuid, claimUid };
}
