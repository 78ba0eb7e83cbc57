import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  endProcess,
  endRecorded,
  isRunning,
  processStartTime,
  readProcessRecord,
  writeProcessRecord,
} from '#cli/embedded/processRecord.ts';
import { AlreadyRunningError, claimSingleStart } from '#cli/embedded/singleStart.ts';

describe('a process record', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'berth-record-'));
    file = path.join(folder, 'api.pid');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('knows the process that it was written for', () => {
    const record = writeProcessRecord(file, process.pid);
    expect(isRunning(record)).toBe(true);
    expect(readProcessRecord(file)).toEqual(record);
  });

  it('is not fooled by another process with the same pid', async () => {
    writeFileSync(file, JSON.stringify({ pid: process.pid, startedAt: '1' }));
    expect(await endRecorded(file, 'SIGKILL')).toBe(false);
    expect(processStartTime(process.pid)).not.toBeNull();
    expect(readProcessRecord(file)).toBeNull();
  });

  it('reads as nothing when it was cut off while it was written', () => {
    writeFileSync(file, '{"pid": 12');
    expect(readProcessRecord(file)).toBeNull();
  });

  it('ends what a killed start left, by SIGKILL when it does not listen', async () => {
    const deaf = spawn(process.execPath, [
      '-e',
      'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("up")',
    ]);
    await once(deaf.stdout, 'data');
    const record = { pid: deaf.pid ?? 0, startedAt: processStartTime(deaf.pid ?? 0) ?? '' };
    await endProcess(record, 'SIGTERM', 200);
    expect(isRunning(record)).toBe(false);
  });

  it('lets exactly one start have a folder, and the next one after a crash', () => {
    const release = claimSingleStart(folder);
    expect(() => claimSingleStart(folder)).toThrow(AlreadyRunningError);
    release();
    writeFileSync(path.join(folder, 'start.pid'), JSON.stringify({ pid: process.pid, startedAt: '1' }));
    claimSingleStart(folder)();
  });
});
