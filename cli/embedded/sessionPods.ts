import type { Config } from '#platform/config/config.ts';
import { createLog } from '#platform/observability/log.ts';
import { createLocalRuntime } from '#platform/runtime/local/localRuntime.ts';

/**
 * Ends the shells of open sessions on this machine; their volumes stay, and the sessions go on from them at the next
 * start. Pods of a cluster do not belong to this start and are left alone.
 */
export async function endSessionPods(config: Config): Promise<void> {
  if (config.BERTH_RUNTIME !== 'local') return;
  const runtime = await createLocalRuntime(config, createLog({ ...config, BERTH_LOG_LEVEL: 'silent' }, 'start'));
  try {
    const { pods } = await runtime.list();
    await Promise.all(pods.map((pod) => runtime.destroyPod(pod.uuid, pod.uid)));
  } finally {
    await runtime.close();
  }
}
