import pino from 'pino';
import { createAgentPool } from '#platform/agent/agentPool.ts';
import { loadConfig } from '#platform/config/config.ts';
import { createLocalRuntime } from '#platform/runtime/local/localRuntime.ts';
import { openScreen } from '#tests/support/terminalScreen.ts';

/*
 * A client in a process of its own, to be killed: writes every byte of a terminal to its standard output, and
 * acknowledges what it has written.
 */

const log = pino({ level: 'silent' });
const config = loadConfig({ ...process.env, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' });
const runtime = await createLocalRuntime(config, log);
const pool = createAgentPool({ runtime, secret: config.BERTH_SECRET, log });
const client = await pool.get(process.env['SESSION_UUID'] ?? '', 1);
const screen = await openScreen(client, process.argv[2] ?? '');
let written = 0;

setInterval(() => {
  const bytes = screen.bytes();
  process.stdout.write(bytes.subarray(written));
  written = bytes.length;
}, 1);
