import { z } from 'zod';
import { ActivityMessage, AgentTerminalMessage, TerminalList, WatchPart } from '#shared/contracts/agentProtocol.ts';
import { AppError } from '#shared/domain/errors.ts';
import type { Multiplexer } from '#shared/domain/multiplexer.ts';
import type { AgentClient } from '#platform/agent/AgentClient.ts';
import { requestChanges, requestFiles, requestManifest } from '#platform/agent/agentFiles.ts';
import { requestGitLooks, requestGitPack, requestGitUnpack } from '#platform/agent/agentGit.ts';
import { createAgentPorts } from '#platform/agent/agentPorts.ts';
import { createAgentRecordings } from '#platform/agent/agentRecordings.ts';
import { ask, checkAnswer, openChannel, toAppError } from '#platform/agent/agentRequests.ts';
import { createAgentRuns } from '#platform/agent/agentRuns.ts';
import { attachTerminal } from '#platform/agent/attachTerminal.ts';

/** What a client is made from: a greeted stream. */
export interface AgentStream {
  multiplexer: Multiplexer;
  bootId: string;
  /** Whether the agent knows changes of a fresh volume. */
  takesFresh: boolean;
  /** Whether the agent knows the requests about `.git` folders. */
  packsGit: boolean;
  /** Whether the agent knows runs. */
  takesRuns: boolean;
  /** Whether the agent knows the requests about ports. */
  takesDials: boolean;
  /** Resolves with the reason when the stream has ended. */
  ended: Promise<string>;
  close(): void;
}

/** The port's client over a greeted stream. */
export function createAgentClient(stream: AgentStream): AgentClient {
  const { multiplexer, bootId, takesFresh, packsGit, takesRuns, takesDials, ended, close } = stream;
  let closed = false;
  const over = ended.then(() => {
    closed = true;
  });
  return {
    bootId,
    get closed() {
      return closed;
    },
    ended: over,
    manifest: (options) => requestManifest(multiplexer, options),
    read: (paths) => withAppErrors(requestFiles(multiplexer, paths)),
    apply: (changes, { fresh = false, ...options }) =>
      requestChanges(multiplexer, changes, { ...options, fresh: fresh && takesFresh }),
    packsGit,
    lookAtGit: (paths, options) => requestGitLooks(multiplexer, paths, options),
    packGit: (order, take) => requestGitPack(multiplexer, order, take),
    unpackGit: (pack) => requestGitUnpack(multiplexer, pack),
    watch: (changed) => startWatch(multiplexer, changed),
    listTerminals: async () => (await ask(multiplexer, { kind: 'terminals.list' }, TerminalList)).terminals,
    openTerminal: (options) => ask(multiplexer, { kind: 'terminals.open', ...options }, AgentTerminalMessage),
    renameTerminal: (id, name) => ask(multiplexer, { kind: 'terminals.rename', id, name }, z.undefined()),
    closeTerminal: (id) => ask(multiplexer, { kind: 'terminals.close', id }, z.undefined()),
    attach: (id, options, listener) => attachTerminal(multiplexer, { id, ...options }, listener),
    runs: createAgentRuns(multiplexer, takesRuns),
    recordings: createAgentRecordings(multiplexer),
    ports: createAgentPorts(multiplexer, takesDials),
    activity: () => ask(multiplexer, { kind: 'activity' }, ActivityMessage),
    quiesce: (options) => ask(multiplexer, { kind: 'quiesce', ...options }, z.undefined()),
    close: () => {
      closed = true;
      close();
    },
  };
}

/** Resolves at the agent's first word, after which every change is told. */
async function startWatch(multiplexer: Multiplexer, changed: (paths: string[]) => void): Promise<() => void> {
  const started = Promise.withResolvers<undefined>();
  let first = true;
  const channel = openChannel(
    multiplexer,
    { kind: 'watch' },
    {
      message: (value, bytes) => {
        channel.grant(bytes);
        const hint = checkAnswer(WatchPart, value);
        if (!first) changed(hint.changed);
        first = false;
        started.resolve(undefined);
      },
      // After the start the end of the stream is told by `ended`.
      failed: (error) => started.reject(toAppError(error)),
      ended: () => started.reject(new AppError('AGENT_UNREACHABLE')),
    },
  );
  await started.promise;
  return () => channel.close();
}

async function* withAppErrors<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (error) {
    throw toAppError(error);
  }
}
