import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { pino } from 'pino';
import { bundleWorkflows } from '#workers/bundle.ts';
import { installWorkerLog } from '#workers/workerLog.ts';

const FOLDER = fileURLToPath(new URL('histories', import.meta.url));
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

let folder: string;
let codePath: string;

beforeAll(async () => {
  installWorkerLog(pino({ level: 'silent' }));
  folder = mkdtempSync(path.join(tmpdir(), 'berth-replay-'));
  codePath = await bundleWorkflows(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (name: string): string => readFileSync(path.join(FOLDER, name), 'utf8');

function replay(json: string): Promise<void> {
  return Worker.runReplayHistory({ workflowBundle: { codePath } }, historyFromJSON(JSON.parse(json)), 'run/uuid/1');
}

describe('a recorded run', () => {
  it('is there in every kind', () => {
    expect(files).toEqual([
      'cancelled-while-opening.json',
      'cancelled-while-running.json',
      'refused-to-open.json',
      'started-again-after-terminate.json',
      'strange-signals.json',
      'succeeded.json',
      'timed-out.json',
      'workflow-cancelled.json',
    ]);
  });

  it.each(files)('%s replays with the code of today', async (name) => {
    await replay(read(name));
  });

  it('does not replay when the code would have done something else', async () => {
    const changed = read('succeeded.json').replaceAll('"syncForRun"', '"syncForNobody"');
    expect(changed).not.toBe(read('succeeded.json'));
    await expect(replay(changed)).rejects.toThrow(DeterminismViolationError);
  });

  it.each(files)('%s names no machine', (name) => {
    expect(read(name)).not.toMatch(/"identity": "(?!worker")|"\d+@|\/(home|root|tmp)\//);
  });
});
