import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bundleWorkflows } from '#workers/bundle.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'berth-bundle-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const digest = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

describe('the bundle of the workflows', () => {
  it('is the same when it is made again, and is made once for the same content', async () => {
    const first = await bundleWorkflows(path.join(folder, 'a'));
    const second = await bundleWorkflows(path.join(folder, 'b'));
    expect(path.basename(second)).toBe(path.basename(first));
    expect(digest(second)).toBe(digest(first));
    const { ino, mtimeMs } = statSync(first);
    expect(await bundleWorkflows(path.join(folder, 'a'))).toBe(first);
    expect(statSync(first)).toMatchObject({ ino, mtimeMs });
  });

  it('leaves no half-written file when two make it at once', async () => {
    const shared = path.join(folder, 'shared');
    const [first, second] = await Promise.all([bundleWorkflows(shared), bundleWorkflows(shared)]);
    expect(second).toBe(first);
    expect(readdirSync(shared)).toEqual([path.basename(first!)]);
  });

  it('holds no checking library, which every cached workflow would pay for', async () => {
    const code = readFileSync(await bundleWorkflows(path.join(folder, 'a')), 'utf8');
    expect(code).not.toMatch(/node_modules\/zod\//);
    expect(code.length).toBeLessThan(4_000_000);
  });
});
