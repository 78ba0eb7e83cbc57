import {
  CancellationScope,
  condition,
  isCancellation,
  setCurrentDetails,
  setDefaultSignalHandler,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { RunEnd } from '#shared/domain/run.ts';
import { RunMachine } from '#workflows/run/run.machine.ts';
import {
  cancelRunSignal,
  runStateQuery,
  type RunOutcome,
  type RunStep,
  type RunWorkflowInput,
} from '#workflows/run/run.messages.ts';
import type { AdmittedRun } from '#workflows/run/run.ports.ts';
import { createRunProxies, type RunProxies } from '#workflows/run/run.proxies.ts';
import { explain } from '#workflows/session/session.failures.ts';

const END_REASON = defineSearchAttributeKey('EndReason', SearchAttributeType.KEYWORD);

/** One run of the workflow: its rules and its activities. */
interface Life {
  machine: RunMachine;
  proxies: RunProxies;
}

/** A command in a session, from the request to its receipt. It is executed at most once, whatever ends meanwhile. */
export async function run(input: RunWorkflowInput): Promise<RunOutcome> {
  const machine = new RunMachine(input.runId, Date.now());
  const life: Life = { machine, proxies: createRunProxies() };
  registerHandlers(machine);
  // A cancel from outside is taken as the signal is: a run without its receipt would be open for ever.
  CancellationScope.current().cancelRequested.catch(() => machine.receiveCancel(undefined));
  return CancellationScope.nonCancellable(async () => {
    const status = await live(life);
    machine.outcome = status;
    enter(machine, 'ended');
    upsertSearchAttributes([{ key: END_REASON, value: status }]);
    return { status };
  });
}

async function live(life: Life): Promise<RunOutcome['status']> {
  const { machine, proxies } = life;
  const { runId } = machine;
  const admitted = await proxies.sure.admitRun.executeWithOptions({ summary: 'admit' }, [{ runId }]);
  if (admitted === null) return 'gone';
  machine.admit(admitted);
  return admitted.bound ? execute(life, admitted) : begin(life, admitted);
}

async function begin(life: Life, admitted: AdmittedRun): Promise<RunEnd> {
  const { machine, proxies } = life;
  const ref = { runId: machine.runId };
  try {
    enter(machine, 'opening');
    const opened = await unlessCancelled(machine, () =>
      proxies.wait.openForRun.executeWithOptions({ summary: `until ${admitted.session} runs` }, [ref]),
    );
    if (opened === null) return record(life, 'cancelled', null);
    if (opened.refused !== null) return record(life, 'failed', opened.refused);
    enter(machine, 'syncing');
    const synced = await unlessCancelled(machine, () =>
      proxies.wait.syncForRun.executeWithOptions({ summary: 'sync and note the files' }, [ref]),
    );
    if (synced === null) return record(life, 'cancelled', null);
  } catch (error) {
    return record(life, 'failed', `It could not be started: ${explain(error)}`);
  }
  return execute(life, admitted);
}

async function execute(life: Life, { timeLimitSeconds }: AdmittedRun): Promise<RunEnd> {
  const { machine, proxies } = life;
  const ref = { runId: machine.runId };
  enter(machine, 'running');
  let over = false;
  const execution = proxies
    .execution(timeLimitSeconds)
    .executeRun.executeWithOptions({ summary: `run, at most ${timeLimitSeconds} s` }, [ref])
    .finally(() => (over = true));
  const stop = async (): Promise<void> => {
    await condition(() => over || machine.cancelRequested);
    if (!over) await proxies.sure.stopRun.executeWithOptions({ summary: 'end what it started' }, [ref]);
  };
  try {
    const [{ status }] = await Promise.all([execution, stop()]);
    return status;
  } catch (error) {
    return record(life, 'lost', `Nothing is known of its end: ${explain(error)}`);
  }
}

/** The receipt of a run that has no program to tell of. */
async function record({ machine, proxies }: Life, status: RunEnd, reason: string | null): Promise<RunEnd> {
  const ref = { runId: machine.runId };
  const recorded = await proxies.sure.recordRunEnd.executeWithOptions({ summary: status }, [
    { ...ref, status, reason },
  ]);
  return recorded.status;
}

/** Runs the work; null when the run is to be ended meanwhile, or was before. */
async function unlessCancelled<T>(machine: RunMachine, work: () => Promise<T>): Promise<T | null> {
  if (machine.cancelRequested) return null;
  const scope = new CancellationScope({ cancellable: true });
  let over = false;
  const working = scope.run(work).finally(() => (over = true));
  const stop = async (): Promise<void> => {
    await condition(() => over || machine.cancelRequested);
    if (!over) scope.cancel();
  };
  try {
    const [result] = await Promise.all([working, stop()]);
    return machine.cancelRequested ? null : result;
  } catch (error) {
    if (machine.cancelRequested && isCancellation(error)) return null;
    throw error;
  }
}

function enter(machine: RunMachine, step: RunStep): void {
  machine.enter(step, Date.now());
  setCurrentDetails(machine.details);
}

/** Handlers only note; none of them can throw on what it is sent. */
function registerHandlers(machine: RunMachine): void {
  setHandler(
    cancelRunSignal,
    (payload: unknown) => {
      machine.receiveCancel(payload);
      setCurrentDetails(machine.details);
    },
    {
      description:
        'Ends the run with everything that it started; its receipt says that it was cancelled. Needs no input; optional {"actor": "your name"}. Harmless at any time and as often as you like.',
    },
  );
  setDefaultSignalHandler((name) => {
    machine.receiveUnknown(name);
    setCurrentDetails(machine.details);
  });
  setHandler(runStateQuery, () => machine.state, {
    description: 'What the run is at, and how it ended. Changes nothing.',
  });
}
