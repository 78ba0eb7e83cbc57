import type { ApiDeps } from '#api/deps.ts';
import { createRunLink, type RunLink } from '#api/terminal/runLink.ts';
import type { ConnectedSocket } from '#api/sockets/connectedSocket.ts';
import { onMessage } from '#api/sockets/guard.ts';
import { loadOwnRun } from '#api/policies/runPolicy.ts';
import { AttachRun, DetachRun } from '#shared/contracts/run.ts';
import { AppError } from '#shared/domain/errors.ts';

/** Runs that one socket may follow at once. */
const MAX_LINKS = 32;

/** Lets one socket of /terminal follow runs of sessions that its person may use. */
export function serveRuns(deps: ApiDeps, connected: ConnectedSocket): void {
  const { socket } = connected;
  const links = new Map<string, RunLink>();

  function end(key: string): void {
    links.get(key)?.close();
    links.delete(key);
  }

  async function attach(request: AttachRun): Promise<{ status: string }> {
    const { sessionUuid, runId } = request;
    const key = keyOf(request);
    const { status } = await loadOwnRun(deps, connected.caller, { uuid: sessionUuid, runId });
    // A second attach is a reader that lost its place: the first one ends.
    end(key);
    if (links.size >= MAX_LINKS) {
      throw new AppError('SOCKET_LIMIT', { detail: `One connection follows at most ${MAX_LINKS} runs.` });
    }
    if (socket.disconnected) return { status };
    const link = createRunLink({
      deps,
      caller: () => connected.caller,
      request,
      output: (piece) => new Promise((taken) => socket.emit('runOutput', { sessionUuid, runId, ...piece }, taken)),
      tell: (event, message) => void socket.emit(event, { sessionUuid, runId, ...message }),
      ended: () => {
        if (links.get(key) === link) links.delete(key);
      },
    });
    links.set(key, link);
    // After the acknowledgement was written, which happens in this turn's microtasks.
    setImmediate(() => link.begin());
    return { status };
  }

  const { log } = deps;
  onMessage(socket, { event: 'attachRun', schema: AttachRun, log, handle: attach, inTurn: true });
  onMessage(socket, { event: 'detachRun', schema: DetachRun, log, handle: (message) => end(keyOf(message)) });
  socket.on('disconnect', () => {
    for (const key of [...links.keys()]) end(key);
  });
}

function keyOf({ sessionUuid, runId }: { sessionUuid: string; runId: number }): string {
  return `${sessionUuid}/${runId}`;
}
