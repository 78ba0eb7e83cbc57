import pino from 'pino';
import { createAgentPool } from '#platform/agent/agentPool.ts';
import { loadConfig } from '#platform/config/config.ts';
import { createLocalRuntime } from '#platform/runtime/local/localRuntime.ts';
import { openScreen } from '#tests/support/terminalScreen.ts';

/* A process to be killed: starts a pod with a job in a terminal, says so, and waits. */

const log = pino({ level: 'silent' });
const config = loadConfig({ ...process.env, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' });
const uuid = process.argv[2] ?? '';
const runtime = await createLocalRuntime(config, log);
const { claimUid } = await runtime.ensureVolume(uuid, 1);
await runtime.ensurePod({ uuid, generation: 1, volumeId: 1, claimUid, language: 'python' });
const client = await createAgentPool({ runtime, secret: config.BERTH_SECRET, log }).get(uuid, 1, 30_000);
const { id } = await client.openTerminal({ name: null, size: { cols: 80, rows: 24 } });
const screen = await openScreen(client, id);
screen.type('for i in $(seq 1 100); do echo tick $i; sleep 0.1; done\r');
await screen.awaitText('tick 2');
process.stdout.write('started\n');
setInterval(() => undefined, 1_000);
