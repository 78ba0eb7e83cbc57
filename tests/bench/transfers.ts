import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pino from 'pino';
import { POD_WRITE_BATCH } from '#activities/session/podWrites.ts';
import type { AgentChange, AgentClient } from '#platform/agent/AgentClient.ts';
import { createAgentPool } from '#platform/agent/agentPool.ts';
import type { Config } from '#platform/config/config.ts';
import type { KubernetesClient } from '#platform/runtime/kubernetes/client.ts';
import { createRuntime } from '#platform/runtime/createRuntime.ts';
import { middle, printRatio, printTimes } from '#tests/bench/figures.ts';
import { rawExec } from '#tests/bench/rawExec.ts';
import { startRawPod } from '#tests/bench/rawPod.ts';

const FILES = 1_000;
const FILE_BYTES = 3_500;
const ROUNDS = 5;
const ROOT = '/app/workspace';
const TAR_CHUNK = 256 * 1024;

/** A thousand files into a pod and out of it: through the agent, with their digests, and as a tar stream through exec. */
export async function compareTransfers(client: KubernetesClient, config: Config): Promise<void> {
  const pod = await startRawPod(client, config);
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
      await timed(times.oursIn, () => write(agent, ours, files));
      await timed(times.oursOut, () => readBack(agent, ours));
      const archive = tarOf(files);
      // The agent flushes before it says that the files are there; so does the reference.
      const unpack = 'tar xf - -C "$0" && sync -f "$0"';
      await timed(times.tarIn, () => run(target, ['sh', '-c', unpack, `${ROOT}/${theirs}`], archive));
      const out = await timed(times.tarOut, () => run(target, ['tar', 'cf', '-', '-C', `${ROOT}/${theirs}`, '.']));
      if (out < FILES * FILE_BYTES) throw new Error(`tar gave ${out} bytes, which is not all.`);
    }
  } finally {
    await agents.close();
    await runtime.close();
    await pod.remove();
  }
  printTimes('1,000 files into a pod by the agent', times.oursIn);
  printTimes('1,000 files into a pod by tar and exec', times.tarIn);
  printTimes('1,000 files out of a pod by the agent', times.oursOut);
  printTimes('1,000 files out of a pod by tar and exec', times.tarOut);
  printRatio('1,000 files in', { ours: middle(times.oursIn), theirs: middle(times.tarIn), budget: 1 });
  printRatio('1,000 files out', { ours: middle(times.oursOut), theirs: middle(times.tarOut), budget: 1 });
}

type Files = Map<string, Buffer>;

function makeFiles(): Files {
  return new Map(Array.from({ length: FILES }, (_, index) => [`file-${index}.txt`, randomBytes(FILE_BYTES)]));
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function write(agent: AgentClient, folder: string, files: Files): Promise<void> {
  const changes = [...files].map(([name, bytes]): AgentChange => {
    const file = { path: `${folder}/${name}`, type: 'file' as const, expected: null, executable: false };
    return { op: 'write', ...file, bytes, sha256: digest(bytes) };
  });
  for (let start = 0; start < changes.length; start += POD_WRITE_BATCH.changes) {
    const outcomes = await agent.apply(changes.slice(start, start + POD_WRITE_BATCH.changes), {
      syncEpoch: null,
      bulk: true,
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

function tarOf(files: Files): Buffer {
  const folder = mkdtempSync(path.join(tmpdir(), 'berth-bench-'));
  try {
    mkdirSync(path.join(folder, 'files'));
    for (const [name, bytes] of files) writeFileSync(path.join(folder, 'files', name), bytes);
    return execFileSync('tar', ['cf', '-', '-C', path.join(folder, 'files'), '.'], { maxBuffer: 64 * 1024 * 1024 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a command with that input and resolves with how many bytes it printed, once it has ended. */
async function run(
  target: { namespace: string; name: string },
  command: string[],
  input: Buffer = Buffer.alloc(0),
): Promise<number> {
  const exec = await rawExec(target, { command, tty: false });
  let bytes = 0;
  exec.onOutput((chunk) => (bytes += chunk.byteLength));
  for (let start = 0; start < input.byteLength; start += TAR_CHUNK) {
    await exec.write(input.subarray(start, start + TAR_CHUNK));
  }
  exec.end();
  await exec.ended;
  return bytes;
}

async function timed<T>(times: number[], work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work();
  times.push(performance.now() - started);
  return result;
}
