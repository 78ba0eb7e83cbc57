import type { Config } from '#platform/config/config.ts';
import { createLog } from '#platform/observability/log.ts';
import { createLocalRuntime } from '#platform/runtime/local/localRuntime.ts';

/** How sessions are kept apart on this machine: a line for people, and what to warn of, null when nothing. */
export interface IsolationState {
  text: string;
  warning: string | null;
}

/** Tries the runtime that the configuration asks for. Rejects when that cannot work here. */
export async function isolationState(config: Config): Promise<IsolationState> {
  if (config.BERTH_RUNTIME === 'kubernetes') return { text: 'as pods of the cluster', warning: null };
  const runtime = await createLocalRuntime(config, createLog({ ...config, BERTH_LOG_LEVEL: 'silent' }, 'start'));
  const { warning } = runtime;
  await runtime.close();
  const text = warning === null ? 'on this machine, each in a bubblewrap sandbox' : 'on this machine, NOT isolated';
  return { text, warning };
}
