import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReadPart } from '#shared/contracts/agentProtocol.ts';
import { readPieces } from '#agent/files/digest.ts';
import { Workspace } from '#agent/files/folders.ts';
import { readFiles } from '#agent/files/read.ts';

let folder: string;
let file: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-read-'));
  writeFileSync(join(folder, 'grown'), Buffer.alloc(1_000_000));
  file = openSync(join(folder, 'grown'), 'r');
});
afterEach(() => {
  closeSync(file);
  rmSync(folder, { recursive: true });
});

async function read(limit?: number): Promise<number[]> {
  const sizes: number[] = [];
  await readPieces(file, { size: 0, limit }, (piece) => void sizes.push(piece.byteLength));
  return sizes;
}

function sum(sizes: number[]): number {
  return sizes.reduce((total, size) => total + size, 0);
}

describe('a file that has grown since its size was asked for', () => {
  it('is read to its end in large pieces', async () => {
    const sizes = await read();
    expect(sum(sizes)).toBe(1_000_000);
    expect(sizes.length).toBeLessThan(30);
  });

  it('is left once it is beyond the limit', async () => {
    const bytes = sum(await read(100_000));
    expect(bytes).toBeGreaterThan(100_000);
    expect(bytes).toBeLessThan(300_000);
  });
});

describe('a reading', () => {
  it('goes on after a file that the disk fails to give in the middle', async () => {
    const parts: ReadPart[] = [];
    // The kernel answers a read of the memory at address zero with EIO.
    const workspace = new Workspace('/proc/self');
    await readFiles(
      (async function* () {
        yield* await Promise.resolve(['mem', 'comm']);
      })(),
      { workspace, maxFileBytes: 1_000 },
      { part: async (part) => void (await Promise.resolve(parts.push(part))), bytes: () => Promise.resolve() },
    );
    closeSync(workspace.root);
    expect(parts).toMatchObject([
      { file: 'mem' },
      { sha256: null, size: 0 },
      { file: 'comm' },
      { size: expect.any(Number) as number },
      { done: true },
    ]);
  });
});
