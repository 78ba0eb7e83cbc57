import { fstatSync } from 'node:fs';
import { createCallerServer } from '#agent/protocol/callers.ts';
import { reportFailure, reportRefusal } from '#agent/report.ts';
import { createAgentSession, type AgentSession } from '#agent/session.ts';
import { dropPrivileges, loadKey, loadSettings, type AgentSettings } from '#agent/settings.ts';

/*
 * The agent: holds the terminals and the files of one session, next to the programs that run in it. It lives until its
 * pod ends; callers come and go.
 */

/** How often to see whether the volume is still there. */
const LOOK_FOR_VOLUME_MS = 5_000;

const { settings, key } = loadOrExit();
const { promise: session, resolve: provide } = Promise.withResolvers<AgentSession>();
const server = createCallerServer(key, session);

// A hang-up is meant for the shells; the agent itself ends with its pod.
process.on('SIGHUP', () => undefined);
process.on('SIGPIPE', () => undefined);

const address =
  settings.BERTH_AGENT_SOCKET === undefined
    ? { port: settings.BERTH_AGENT_PORT ?? 0, host: '0.0.0.0' }
    : { path: settings.BERTH_AGENT_SOCKET };

server.listen(address, () => {
  // The socket belongs to root where the agent was started as root, so no program of the session can take its place.
  if (settings.BERTH_AGENT_DROP_TO !== undefined) dropPrivileges(settings.BERTH_AGENT_DROP_TO);
  createAgentSession(settings).then(serve, (error: unknown) => {
    reportFailure(error);
    process.exit(1);
  });
});

/** Without it the last words would be Node's: a line of the bundle, which is minified. */
function loadOrExit(): { settings: AgentSettings; key: Buffer } {
  try {
    const loaded = loadSettings(process.env);
    return { settings: loaded, key: loadKey(loaded.BERTH_AGENT_KEY_FILE) };
  } catch (error) {
    reportRefusal(error);
    process.exit(1);
  }
}

/** From here on people's shells live in this process: an error that nobody expected is written down, and they go on. */
function serve(ready: AgentSession): void {
  process.on('unhandledRejection', reportFailure);
  process.on('uncaughtException', reportFailure);
  setInterval(() => endWithoutVolume(ready), LOOK_FOR_VOLUME_MS);
  provide(ready);
}

/** An agent whose volume was deleted under it has nothing left to serve, and nobody who would end it. */
function endWithoutVolume({ workspace }: AgentSession): void {
  if (fstatSync(workspace.root).nlink === 0) process.exit(0);
}
