import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { pino } from 'pino';
import { bundleWorkflows } from '#workers/bundle.ts';
import { installWorkerLog } from '#workers/workerLog.ts';
import { TEST_BUNDLES } from '#tests/support/sessionSteps.ts';

const FOLDER = fileURLToPath(new URL('histories', import.meta.url));
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

let codePath: string;
beforeAll(async () => {
  installWorkerLog(pino({ level: 'silent' }));
  codePath = await bundleWorkflows(TEST_BUNDLES);
});

const read = (name: string): string => readFileSync(path.join(FOLDER, name), 'utf8');

function replay(json: string): Promise<void> {
  return Worker.runReplayHistory(
    { workflowBundle: { codePath } },
    historyFromJSON(JSON.parse(json)),
    'session/replayed',
  );
}

describe('a recorded session', () => {
  it('is there in every kind', () => {
    expect(files).toEqual([
      'closed-while-loading.json',
      'continued-as-new-1.json',
      'continued-as-new-2.json',
      'database-away.json',
      'node-lost-and-back.json',
      'open-failed.json',
      'open-hopeless.json',
      'opened-synced-closed.json',
      'opened-while-closing-1.json',
      'opened-while-closing-2.json',
      'recovered.json',
      'strange-signals.json',
      'sync-failed-and-again.json',
      'volume-kept.json',
    ]);
  });

  it.each(files)('%s replays with the code of today', async (name) => {
    await replay(read(name));
  });

  it.each(['saveFiles', 'deleteVolume'])('does not replay when the code would leave out %s', async (step) => {
    const recorded = read('opened-synced-closed.json');
    const changed = recorded.replaceAll(`"${step}"`, '"somethingElse"');
    expect(changed).not.toBe(recorded);
    await expect(replay(changed)).rejects.toThrow(DeterminismViolationError);
  });

  it.each(files)('%s names no machine', (name) => {
    expect(read(name)).not.toMatch(/"identity": "(?!worker)|"\d+@|\/(home|root|tmp)\//);
  });
});
