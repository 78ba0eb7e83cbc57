import { ApplicationFailure, condition, setDefaultSignalHandler, setHandler } from '@temporalio/workflow';
import { readPayload, textOf } from '#workflows/session/session.guards.ts';
import {
  closeAndWaitUpdate,
  closeSignal,
  extendSignal,
  openSignal,
  requestSyncSignal,
  stateQuery,
  syncNowUpdate,
} from '#workflows/session/session.messages.ts';
import { showDetails, type SessionRun } from '#workflows/session/session.run.ts';

/**
 * Registers every handler. They only put messages into the machine, whose reading of payloads cannot throw; the main loop
 * acts. An update may throw: that fails the update alone.
 */
export function registerHandlers(run: SessionRun): void {
  const { machine } = run;
  const receive = (read: (payload: unknown, now: number) => void) => (payload: unknown) => {
    read(payload, Date.now());
    showDetails(run);
  };
  setHandler(
    openSignal,
    receive((payload, now) => machine.receiveOpen(payload, now)),
    {
      description:
        'Sent by Berth when a person opens the session. Needs {"generation": n}; without one it is noted and ignored. To open a session use its page or POST /api/v1/sessions/{uuid}/open.',
    },
  );
  setHandler(
    requestSyncSignal,
    receive((payload, now) => machine.receiveSync(payload, now)),
    {
      description:
        'Makes database and volume equal now. Needs no input; optional {"cause": "why"}. Harmless at any time and as often as you like.',
    },
  );
  setHandler(
    closeSignal,
    receive((payload, now) => machine.receiveClose(payload, now)),
    {
      description:
        'Ends the session in order: processes are ended, every change is saved, pod and volume are removed. Needs no input; optional {"reason": "operator", "actor": "your name"}. People with an open terminal lose its processes.',
    },
  );
  setHandler(
    extendSignal,
    receive((payload, now) => machine.receiveExtend(payload, now)),
    {
      description:
        'Holds the session open without activity: {"until": "2030-01-31T18:00:00Z"}, at most eight hours ahead. Without input: one idle period more.',
    },
  );
  setDefaultSignalHandler((name) => {
    machine.receiveUnknown(name, Date.now());
    showDetails(run);
  });
  setHandler(
    stateQuery,
    () => ({
      uuid: machine.uuid,
      generation: machine.generation,
      phase: machine.phase,
      reason: machine.reason,
      syncSeq: machine.syncSeq,
      pending: machine.syncs.map((ticket) => ticket.cause),
    }),
    { description: 'The phase with its reason, how often was synced, and what waits to be done. Changes nothing.' },
  );
  registerUpdates(run);
}

function registerUpdates(run: SessionRun): void {
  const { machine } = run;
  setHandler(
    syncNowUpdate,
    async (input) => {
      const ticket = machine.enqueueSync(textOf(readPayload(input, { opId: 'string' }), 'opId') ?? null, 'syncNow');
      await condition(() => ticket.done !== null || machine.settled);
      if (ticket.done === null || 'failed' in ticket.done) {
        throw ApplicationFailure.nonRetryable(
          `Not synced: ${ticket.done?.failed ?? 'the session has closed'}.`,
          'SESSION_NOT_RUNNING',
        );
      }
      return ticket.done;
    },
    {
      description:
        'Makes database and volume equal and answers how many files changed. Needs {"opId": "any unique text"}. Refused unless the session is running.',
      validator(input) {
        refuseBadInput(input, { opId: 'string' });
        if (machine.ending || (machine.phase !== 'running' && machine.phase !== 'recovering')) {
          throw ApplicationFailure.nonRetryable(`The session is ${machine.phase}, not running.`, 'SESSION_NOT_RUNNING');
        }
      },
    },
  );
  setHandler(
    closeAndWaitUpdate,
    async (input) => {
      const read = readPayload(input, { opId: 'string', actor: 'string' });
      machine.requestEnd({ reason: 'operator', actor: textOf(read, 'actor') ?? 'operator' });
      await condition(() => machine.settled);
      return { phase: machine.phase };
    },
    {
      description:
        'Closes the session and answers once pod and volume are gone. Needs {"opId": "any unique text"}; optional "actor".',
      validator(input) {
        refuseBadInput(input, { opId: 'string', actor: 'string' });
        if (machine.settled)
          throw ApplicationFailure.nonRetryable('The session has closed already.', 'SESSION_NOT_OPEN');
      },
    },
  );
}

/** Throws INVALID_INPUT, which rejects the update and leaves nothing in the history. */
function refuseBadInput(input: unknown, types: Parameters<typeof readPayload>[1]): void {
  const read = readPayload(input, types);
  const problem = read.problem ?? (textOf(read, 'opId') === undefined ? 'opId is missing' : null);
  if (problem !== null) throw ApplicationFailure.nonRetryable(`The input is not valid: ${problem}.`, 'INVALID_INPUT');
}
