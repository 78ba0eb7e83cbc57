import { AgentRequest, type CallerHello } from '#shared/contracts/agentProtocol.ts';
import { ChannelError, type Channel, type ChannelReceiver } from '#shared/domain/channel.ts';
import { FrameQueue } from '#shared/domain/frameQueue.ts';
import { AgentFailure } from '#agent/failure.ts';
import { endProcesses } from '#agent/processes/quiesce.ts';
import { sendFiles, sendManifest, takeChanges } from '#agent/protocol/fileRequests.ts';
import { lookAtGit, sendGit, takeGit } from '#agent/protocol/gitRequests.ts';
import { joinTerminal } from '#agent/protocol/ptyRequest.ts';
import { joinPort } from '#agent/protocol/portRequests.ts';
import { sendRun, startRun } from '#agent/protocol/runRequests.ts';
import { answerRecordings, isRecordingRequest } from '#agent/protocol/recordingRequests.ts';
import { reportFailure } from '#agent/report.ts';
import type { AgentSession } from '#agent/session.ts';

type Request<Kind extends AgentRequest['kind']> = Extract<AgentRequest, { kind: Kind }>;

/** Who asks whom. */
export interface Asked {
  session: AgentSession;
  caller: CallerHello;
}

/** Takes a request that opened a channel, and gives what receives the channel's frames. Never throws. */
export function answerRequest(asked: Asked, channel: Channel, value: unknown): ChannelReceiver {
  const parsed = AgentRequest.safeParse(value);
  if (!parsed.success) {
    channel.fail('INVALID_INPUT', 'The request is not valid.');
    return { failed: () => undefined };
  }
  try {
    return answer(asked, channel, parsed.data);
  } catch (error) {
    failWith(channel, error);
    return { failed: () => undefined };
  }
}

function answer(asked: Asked, channel: Channel, request: AgentRequest): ChannelReceiver {
  const { session, caller } = asked;
  if (request.kind === 'pty') return joinTerminal({ terminals: session.terminals, caller }, channel, request);
  if (request.kind === 'watch') return sendHints(session, channel);
  const incoming = new FrameQueue();
  incoming.attach(channel);
  void carryOut(asked, { channel, incoming, request }).then(
    () => channel.end(),
    (error: unknown) => failWith(channel, error),
  );
  return incoming;
}

async function carryOut(
  { session, caller }: Asked,
  { channel, incoming, request }: { channel: Channel; incoming: FrameQueue; request: AgentRequest },
): Promise<void> {
  const { terminals, runs, epochs, ports } = session;
  if (request.kind === 'manifest') {
    epochs.checkSyncEpoch(request.syncEpoch);
    await sendManifest({ session, caller }, { channel, incoming, request });
  } else if (request.kind === 'read') await sendFiles(session, channel, incoming);
  else if (request.kind === 'apply') await takeChanges(session, { channel, incoming, request });
  else if (request.kind === 'terminals.list') await channel.send({ terminals: terminals.list() });
  else if (request.kind === 'terminals.open') await channel.send(terminals.open(request.name, request.size));
  else if (request.kind === 'terminals.rename') terminals.get(request.id).name = request.name;
  else if (request.kind === 'terminals.close') terminals.close(request.id);
  else if (request.kind === 'runs.start') await startRun(runs, { channel, incoming, request });
  else if (request.kind === 'runs.wait') {
    const run = runs.get(request.id);
    await run.ended;
    await channel.send(run.describe());
  } else if (request.kind === 'runs.stop') runs.get(request.id).stop('cancelled');
  else if (request.kind === 'runs.forget') runs.forget(request.id);
  else if (request.kind === 'run') {
    const { stdout, stderr } = request;
    await sendRun(runs.get(request.id), { channel, incoming, offsets: { stdout, stderr } });
  } else if (request.kind === 'ports.list') await channel.send({ ports: ports.list() });
  else if (request.kind === 'dial') await joinPort(ports, { channel, incoming, port: request.port });
  else if (isRecordingRequest(request)) await answerRecordings(session.recordings, channel, request);
  else if (request.kind === 'activity') await channel.send(activityOf(session, caller));
  else if (request.kind === 'quiesce') await quiesce(session, request);
  else if (request.kind === 'git.look') await lookAtGit(session, { channel, incoming, request });
  else if (request.kind === 'git.pack') await sendGit(session, { channel, request });
  else if (request.kind === 'git.unpack') await takeGit(session, { channel, incoming, request });
}

function sendHints(session: AgentSession, channel: Channel): ChannelReceiver {
  const stop = session.watch.subscribe((changed) => channel.post({ changed }));
  channel.post({ changed: [] });
  return { ended: stop, closed: stop, failed: stop };
}

function activityOf(session: AgentSession, { takesUntyped }: CallerHello): object {
  const { terminals, runs, bootId, startedAt, watch } = session;
  const { foregroundJob, typedMs, outputMs } = terminals.activity();
  const ofRuns = runs.activity();
  // A run is a job that somebody waits for, as one in the foreground of a terminal.
  const job = foregroundJob ?? (ofRuns.running ? 'run' : null);
  const unusedMs = typedMs ?? performance.now() - startedAt;
  const idleMs = job === null ? Math.min(unusedMs, outputMs ?? Infinity, ofRuns.quietMs ?? Infinity) : 0;
  const git = watch.git && { token: watch.git.token, quietMs: Math.max(0, Date.now() - watch.git.changedAt) };
  return {
    bootId,
    idleSeconds: idleMs / 1_000,
    ...(takesUntyped && { untypedSeconds: unusedMs / 1_000 }),
    foregroundJob: job?.slice(0, 100) ?? null,
    git,
  };
}

async function quiesce(session: AgentSession, { graceMs }: Request<'quiesce'>): Promise<void> {
  session.terminals.shut();
  session.runs.shut();
  session.ports.shut();
  await session.recordings.stopAll('session-closed');
  await endProcesses(session.scope, graceMs);
  await session.displaced.settle(true);
}

function failWith(channel: Channel, error: unknown): void {
  if (error instanceof AgentFailure || error instanceof ChannelError) channel.fail(error.code, error.message);
  else {
    reportFailure(error);
    channel.fail('INTERNAL', error instanceof Error ? error.message : 'The agent failed.');
  }
}
