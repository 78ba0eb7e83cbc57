import { createHash } from 'node:crypto';
import pino from 'pino';
import { POD_WRITE_BATCH } from '#activities/session/podWrites.ts';
import type { AgentChange, AgentClient } from '#platform/agent/AgentClient.ts';
import { createAgentPool } from '#platform/agent/agentPool.ts';
import type { Config } from '#platform/config/config.ts';
import type { KubernetesClient } from '#platform/runtime/kubernetes/client.ts';
import { createRuntime } from '#platform/runtime/createRuntime.ts';
import { printPairs, printTimes, timed } from '#tests/bench/figures.ts';
import { startRawPod } from '#tests/bench/rawPod.ts';
import { FILES, giveByTar, makeFiles, takeByTar, type Files } from '#tests/bench/tar.ts';

const ROUNDS = 7;
/** Where a session's files lie in its pod. */
export const WORKSPACE = '/app/workspace';

/**
 * A thousand files into a pod and out of it: through the agent, with their digests, and as a tar stream through exec. The
 * pod stays until `ended`: while a disk gives back what was deleted, it makes files slowly.
 */
export async function compareTransfers(
  client: KubernetesClient,
  { config, ended }: { config: Config; ended: AsyncDisposableStack },
): Promise<void> {
  const pod = await startRawPod(client, config);
  ended.defer(() => pod.remove());
  const log = pino({ level: 'silent' });
  const runtime = await createRuntime({ config, log, installationId: async () => pod.installation });
  const agents = createAgentPool({ runtime, secret: config.BERTH_SECRET, log });
  const target = { namespace: config.BERTH_KUBERNETES_NAMESPACE, name: pod.name };
  const times = { oursIn: [] as number[], oursOut: [] as number[], tarIn: [] as number[], tarOut: [] as number[] };
  try {
    const agent = await agents.get(pod.uuid, 1);
    for (let round = 0; round < ROUNDS; round += 1) {
      const [ours, theirs] = [`ours-${round}`, `tar-${round}`];
      const files = makeFiles();
      await agent.apply(
        [
          { op: 'mkdir', path: ours },
          { op: 'mkdir', path: theirs },
        ],
        { syncEpoch: null, bulk: false },
      );
      await timed(times.oursIn, () => writeFiles(agent, ours, files));
      await timed(times.oursOut, () => readBack(agent, ours));
      await giveByTar(target, { folder: `${WORKSPACE}/${theirs}`, files, times: times.tarIn });
      await takeByTar(target, { folder: `${WORKSPACE}/${theirs}`, times: times.tarOut });
    }
  } finally {
    await agents.close();
    await runtime.close();
  }
  printTimes('1,000 files into a pod by the agent', times.oursIn);
  printTimes('1,000 files into a pod by tar and exec', times.tarIn);
  printTimes('1,000 files out of a pod by the agent', times.oursOut);
  printTimes('1,000 files out of a pod by tar and exec', times.tarOut);
  printPairs('1,000 files in', { ours: times.oursIn, theirs: times.tarIn, budget: 1 });
  printPairs('1,000 files out', { ours: times.oursOut, theirs: times.tarOut, budget: 1 });
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Writes new files into a folder through the agent, in batches as a load does. */
export async function writeFiles(agent: AgentClient, folder: string, files: Files): Promise<void> {
  const changes = [...files].map(([name, bytes]): AgentChange => {
    const file = { path: `${folder}/${name}`, type: 'file' as const, expected: null, executable: false };
    return { op: 'write', ...file, bytes, sha256: digest(bytes) };
  });
  for (let start = 0; start < changes.length; start += POD_WRITE_BATCH.changes) {
    const outcomes = await agent.apply(changes.slice(start, start + POD_WRITE_BATCH.changes), {
      syncEpoch: null,
      bulk: true,
      fresh: true,
    });
    const bad = outcomes.find(({ outcome }) => outcome !== 'applied');
    if (bad !== undefined) throw new Error(`The agent did not take a file: ${JSON.stringify(bad)}`);
  }
}

async function readBack(agent: AgentClient, folder: string): Promise<void> {
  const paths = Array.from({ length: FILES }, (_, index) => `${folder}/file-${index}.txt`);
  let count = 0;
  for await (const file of agent.read(paths)) {
    if (digest(file.bytes) !== file.sha256) throw new Error(`${file.path} came with another digest.`);
    count += 1;
  }
  if (count !== FILES) throw new Error(`${count} of ${FILES} files came.`);
}
