import {
  appendFileSync,
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { AgentChange, ChangeOutcome, Manifest } from '#platform/agent/AgentClient.ts';
import { digest, emptyWorkspace, linking, writing } from '#tests/support/agentChanges.ts';
import { startLocalSession, type LocalSession } from '#tests/support/localSession.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/** Neither root nor the user of a session. */
const SOMEBODY_ELSE = 12_345;

let session: LocalSession;
let epoch = 0;

beforeAll(async () => {
  session = await startLocalSession({ MAX_FILE_BYTES: '200000', MAX_SESSION_ITEMS: '1200' });
});
afterAll(() => session.stop());
afterEach(() => emptyWorkspace(session.workspace));

/** A path of the volume as this machine sees it: what programs of the session do is done to the same files. */
function at(path: string): string {
  return join(session.workspace, path);
}

async function apply(...changes: AgentChange[]): Promise<ChangeOutcome[]> {
  return session.client.apply(changes, { syncEpoch: null, bulk: false });
}

async function scan(keep: string[] = []): Promise<Manifest> {
  epoch += 1;
  return session.client.manifest({ syncEpoch: epoch, keep });
}

async function pathsOf(keep: string[] = []): Promise<string[]> {
  return (await scan(keep)).entries.map(({ path }) => path);
}

describe('a scan', () => {
  it('tells type, digest, size and executable bit of everything, and which volume it is', async () => {
    await apply(writing('a/run.sh', 'x', { executable: true }), linking('a/link', 'run.sh'));
    const manifest = await scan(['a/run.sh']);
    expect(manifest).toMatchObject({ complete: true, volumeId: 1, notSaved: [] });
    expect(manifest.entries).toEqual([
      { path: 'a', type: 'folder', sha256: null, size: 0, executable: false },
      { path: 'a/link', type: 'symlink', sha256: digest('run.sh'), size: 6, executable: false },
      { path: 'a/run.sh', type: 'file', sha256: digest('x'), size: 1, executable: true },
    ]);
  });

  it('sees a change that keeps size and times', async () => {
    writeFileSync(at('same.txt'), 'aaaa');
    const first = await scan(['same.txt']);
    writeFileSync(at('same.txt'), 'bbbb');
    const second = await scan(['same.txt']);
    expect(first.entries[0]?.sha256).toBe(digest('aaaa'));
    expect(second.entries[0]?.sha256).toBe(digest('bbbb'));
  });

  it('leaves out what is ignored, special, too large or leads outside, and says why', async () => {
    mkdirSync(at('node_modules/left-pad'), { recursive: true });
    mkdirSync(at('repo/.git'), { recursive: true });
    writeFileSync(at('large.bin'), Buffer.alloc(200_001));
    symlinkSync('/etc/passwd', at('leads-out'));
    writeFileSync(Buffer.concat([Buffer.from(`${session.workspace}/bad-`), Buffer.from([0xff])]), 'x');
    const manifest = await scan();
    expect(manifest.entries.map(({ path }) => path)).toEqual(['repo']);
    expect(Object.fromEntries(manifest.notSaved.map(({ path, reason }) => [path, reason]))).toEqual({
      node_modules: 'ignored',
      'repo/.git': 'git',
      'large.bin': 'too-large',
      'leads-out': 'outside-link',
      'bad-\uFFFD': 'bad-name',
    });
    expect(manifest.complete).toBe(true);
  });

  it('reports a path with a row whatever the rules say, and follows .berthignore for the others', async () => {
    writeFileSync(at('.berthignore'), '*.log\n!dist\n');
    for (const folder of ['dist', 'build']) mkdirSync(at(folder));
    for (const path of ['a.log', 'kept.log', 'dist/x', 'build/kept', 'build/other']) writeFileSync(at(path), path);
    expect(await pathsOf(['kept.log', 'build', 'build/kept'])).toEqual([
      '.berthignore',
      'build',
      'build/kept',
      'dist',
      'dist/x',
      'kept.log',
    ]);
  });

  it('goes by the rules of Berth alone where .berthignore cannot be read', async () => {
    writeFileSync(at('.berthignore'), '*.log\n');
    chmodSync(at('.berthignore'), 0o000);
    for (const folder of ['node_modules', 'src']) mkdirSync(at(folder));
    writeFileSync(at('a.log'), 'x');
    const manifest = await scan(['.berthignore']);
    expect(manifest.entries.map(({ path }) => path)).toEqual(['a.log', 'src']);
    expect(manifest.complete).toBe(true);
  });

  it('leaves the digest of a new file to whoever reads it, and makes it at the next scan', async () => {
    writeFileSync(at('new.txt'), 'new');
    writeFileSync(at('closed.txt'), 'closed');
    chmodSync(at('closed.txt'), 0o000);
    const first = await scan();
    expect(first.entries.map(({ path, sha256 }) => [path, sha256])).toEqual([
      ['closed.txt', null],
      ['new.txt', null],
    ]);
    const second = await scan();
    expect(second.entries.map(({ path, sha256 }) => [path, sha256])).toEqual([['new.txt', digest('new')]]);
    expect(second.notSaved).toEqual([{ path: 'closed.txt', reason: 'unreadable' }]);
  });

  it('takes what it wrote in the same reconcile for what it was sent as, unless it has changed', async () => {
    epoch += 1;
    const changes = ['kept.txt', 'changed.txt'].map((path) => writing(path, path));
    await session.client.apply(changes, { syncEpoch: epoch, bulk: true });
    writeFileSync(at('changed.txt'), 'otherwise');
    const manifest = await session.client.manifest({ syncEpoch: epoch, keep: ['changed.txt', 'kept.txt'] });
    expect(manifest.entries.map(({ path, sha256 }) => [path, sha256])).toEqual([
      ['changed.txt', digest('otherwise')],
      ['kept.txt', digest('kept.txt')],
    ]);
  });

  it('says not-saved, never gone, of a path with a row that grew too large', async () => {
    writeFileSync(at('grown.txt'), Buffer.alloc(300_000));
    const manifest = await scan(['grown.txt']);
    expect(manifest.entries).toEqual([]);
    expect(manifest.notSaved).toEqual([{ path: 'grown.txt', reason: 'too-large' }]);
  });

  it('is not complete when a folder cannot be read', async () => {
    mkdirSync(at('closed'));
    writeFileSync(at('closed/x'), 'x');
    chmodSync(at('closed'), 0o000);
    const manifest = await scan(['closed/x']);
    expect(manifest.complete).toBe(false);
    chmodSync(at('closed'), 0o755);
    expect((await scan(['closed/x'])).complete).toBe(true);
  });

  // Only root can make a folder that belongs to somebody else.
  const asRoot = process.getuid?.() === 0 ? it : it.skip;
  asRoot(
    'takes no notice of the lost+found that a file system brings, but tells of one that a person made',
    async () => {
      mkdirSync(at('lost+found'), 0o700);
      chownSync(at('lost+found'), SOMEBODY_ELSE, SOMEBODY_ELSE);
      expect(await scan()).toMatchObject({ entries: [], notSaved: [], complete: true });
      chownSync(at('lost+found'), statSync(session.workspace).uid, statSync(session.workspace).gid);
      expect(await scan()).toMatchObject({ entries: [], notSaved: [{ path: 'lost+found', reason: 'ignored' }] });
      writeFileSync(at('lost+found/ours.txt'), 'x');
      chmodSync(at('lost+found'), 0o755);
      expect((await scan(['lost+found/ours.txt'])).entries.map(({ path }) => path)).toContain('lost+found/ours.txt');
    },
  );

  it('keeps to the limit of items, rows first', async () => {
    mkdirSync(at('many'));
    for (let index = 0; index < 1_300; index += 1) writeFileSync(at(`many/f${String(index).padStart(4, '0')}`), 'x');
    const manifest = await scan(['many/f1299']);
    expect(manifest.entries).toHaveLength(1_200);
    expect(manifest.entries.at(-1)?.path).toBe('many/f1299');
    expect(manifest.notSaved.every(({ reason }) => reason === 'too-many')).toBe(true);
    expect(manifest.complete).toBe(true);
  });

  it('tells when the sentinel is missing', async () => {
    const sentinel = readFileSync(at('.berth-volume'));
    rmSync(at('.berth-volume'));
    expect((await scan()).volumeId).toBeNull();
    writeFileSync(at('.berth-volume'), sentinel);
    expect((await scan()).volumeId).toBe(1);
  });
});

describe('reading', () => {
  it('gives files and links byte for byte, and leaves out what is not there', async () => {
    const bytes = Buffer.alloc(199_999).map((_, index) => (index * 31) & 0xff);
    writeFileSync(at('binary'), bytes);
    writeFileSync(at('empty'), '');
    symlinkSync('binary', at('link'));
    const files: Record<string, Buffer> = {};
    for await (const file of session.client.read(['binary', 'missing', 'empty', 'link'])) {
      files[`${file.type} ${file.path}`] = Buffer.from(file.bytes);
      expect(file.sha256).toBe(digest(file.bytes));
    }
    expect(Object.keys(files)).toEqual(['file binary', 'file empty', 'symlink link']);
    expect(files['file binary']?.equals(bytes)).toBe(true);
    expect(files['symlink link']?.toString()).toBe('binary');
  });

  it('can be left early without disturbing what comes next', async () => {
    for (let index = 0; index < 50; index += 1) writeFileSync(at(`f${String(index)}`), Buffer.alloc(100_000));
    for await (const file of session.client.read(Array.from({ length: 50 }, (_, index) => `f${String(index)}`))) {
      expect(file.path).toBe('f0');
      break;
    }
    expect(await pathsOf()).toHaveLength(50);
  });
});

describe('watching', () => {
  it('hints at changes in folders old and new', async () => {
    const hints: string[][] = [];
    const stop = await session.client.watch((paths) => hints.push(paths));
    mkdirSync(at('deep/er'), { recursive: true });
    await waitFor(() => hints.some((paths) => paths.some((path) => path.startsWith('deep'))));
    hints.length = 0;
    writeFileSync(at('deep/er/file.txt'), 'x');
    await waitFor(() => hints.flat().includes('deep/er/file.txt'));
    hints.length = 0;
    appendFileSync(at('deep/er/file.txt'), 'y');
    await waitFor(() => hints.length > 0);
    stop();
  });

  it('hints at a change once, also when the tree is looked through afterwards', async () => {
    const hints: string[][] = [];
    let hintedAt = 0;
    const stop = await session.client.watch((paths) => {
      hints.push(paths);
      hintedAt = Date.now();
    });
    // The look that the subscription begins with must have seen the tree as it is.
    await expect(waitFor(() => hints.length > 0, { deadlineMs: 1_000 })).rejects.toThrow();
    writeFileSync(at('once.txt'), 'x');
    // Making a file and writing it are two events, which a busy machine may tell apart.
    await waitFor(() => hints.flat().includes('once.txt') && Date.now() - hintedAt > 500);
    hints.length = 0;
    await expect(waitFor(() => hints.length > 0, { deadlineMs: 3_000 })).rejects.toThrow();
    stop();
  });

  it('hints at anything when the kernel does not tell of a change', async () => {
    writeFileSync(at('linked.txt'), 'x');
    // A write through another name of the file is no event of this folder.
    linkSync(at('linked.txt'), at('../outside.txt'));
    const hints: string[][] = [];
    const stop = await session.client.watch((paths) => hints.push(paths));
    await expect(waitFor(() => hints.length > 0, { deadlineMs: 1_000 })).rejects.toThrow();
    appendFileSync(at('../outside.txt'), 'y');
    await waitFor(() => hints.some((paths) => paths.length === 0), { what: 'a hint at anything' });
    stop();
  });

  it('hints at anything when the names of what changed are too long together', async () => {
    // JSON writes each of these characters as six.
    const deep = Array.from({ length: 10 }, () => '\u0001'.repeat(255)).join('/');
    mkdirSync(at(deep), { recursive: true });
    const hints: string[][] = [];
    const stop = await session.client.watch((paths) => hints.push(paths));
    for (let index = 0; index < 100; index += 1) writeFileSync(at(`${deep}/${String(index)}`), 'x');
    await waitFor(() => hints.some((paths) => paths.length === 0), { what: 'a hint at anything' });
    stop();
  });

  it('hints at a burst of files no earlier than the last of them', async () => {
    const hintedAt: number[] = [];
    const stop = await session.client.watch(() => hintedAt.push(Date.now()));
    for (let index = 0; index < 300; index += 1) {
      mkdirSync(at(`burst/${String(index)}`), { recursive: true });
      writeFileSync(at(`burst/${String(index)}/x`), 'x');
    }
    const last = statSync(at('burst/299/x')).ctimeMs;
    await waitFor(() => hintedAt.some((at) => at >= last), { what: 'a hint after the last file' });
    stop();
  });
});
