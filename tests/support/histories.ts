import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { pino } from 'pino';
import { bundleWorkflows } from '#workers/bundle.ts';
import { installWorkerLog } from '#workers/workerLog.ts';
import { TEST_BUNDLES } from '#tests/support/sessionSteps.ts';

/** Recorded histories of a workflow, and what proves that they bind its code. */
export interface RecordedHistories {
  /** The folder of the histories. */
  folder: string;
  workflowId: string;
  /** Every recorded life, sorted. */
  files: string[];
  /** Files, each with the name of an activity whose absence a replay must notice. */
  needs: ReadonlyArray<readonly [file: string, activity: string]>;
}

/** Describes that every recorded history replays with the code of today, and none with code that does something else. */
export function describeReplays(title: string, { folder, workflowId, files, needs }: RecordedHistories): void {
  describe(title, () => {
    let codePath: string;
    beforeAll(async () => {
      installWorkerLog(pino({ level: 'silent' }));
      codePath = await bundleWorkflows(TEST_BUNDLES);
    });

    const read = (name: string): string => readFileSync(path.join(folder, name), 'utf8');
    const replay = (json: string): Promise<void> =>
      Worker.runReplayHistory({ workflowBundle: { codePath } }, historyFromJSON(JSON.parse(json)), workflowId);

    it('is there in every kind', () => {
      expect(readdirSync(folder).filter((name) => name.endsWith('.json'))).toEqual(files);
    });

    it.each(files)('%s replays with the code of today', async (name) => {
      await replay(read(name));
    });

    it.each(needs)('%s does not replay when the code would leave out %s', async (name, activity) => {
      const changed = read(name).replaceAll(`"${activity}"`, '"somethingElse"');
      expect(changed).not.toBe(read(name));
      await expect(replay(changed)).rejects.toThrow(DeterminismViolationError);
    });

    it.each(files)('%s names no machine', (name) => {
      expect(read(name)).not.toMatch(/"identity": "(?!worker")|"\d+@|\/(home|root|tmp)\//);
    });
  });
}

/** Writes a history without the names of this machine. */
export function writeHistory(folder: string, name: string, history: Parameters<typeof historyToJSON>[0]): void {
  const json = JSON.parse(historyToJSON(history)) as unknown;
  writeFileSync(path.join(folder, `${name}.json`), `${JSON.stringify(json, anonymous, 1)}\n`);
  process.stdout.write(`${name}.json\n`);
}

/** Histories name the process and the machine that made them, and stack traces their folders: nothing that replay reads. */
function anonymous(key: string, value: unknown): unknown {
  if (key === 'identity') return 'worker';
  if (key === 'stackTrace') return '';
  // A sticky queue carries the name of its process too.
  return typeof value === 'string' && /^\d+@/.test(value) ? 'worker' : value;
}
