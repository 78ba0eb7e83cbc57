import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { GitLook, GitPacked, GitUnpacked } from '#shared/contracts/agentGit.ts';
import { encodeHead, PACK_END, type GitEntry } from '#agent/git/packFormat.ts';
import { digest, emptyWorkspace } from '#tests/support/agentChanges.ts';
import { startLocalSession, type LocalSession } from '#tests/support/localSession.ts';
import { openPodShell } from '#tests/support/podShell.ts';
import { Repository } from '#tests/support/repository.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const MAX_BYTES = 64 * 1024 * 1024;

let session: LocalSession;
let epoch = 0;

beforeAll(async () => {
  session = await startLocalSession();
});
afterAll(() => session.stop());
afterEach(() => emptyWorkspace(session.workspace));

const at = (path: string): string => join(session.workspace, path);

async function look(path = '.git', maxBytes = MAX_BYTES): Promise<GitLook> {
  epoch += 1;
  const [found] = await session.client.lookAtGit([path], { syncEpoch: epoch, maxBytes });
  if (found === undefined) throw new Error(`${path} was left out`);
  return found;
}

async function pack(
  seen: GitLook,
  options: { ended?: boolean; onPiece?: () => void } = {},
): Promise<{ packed: GitPacked; bytes: Buffer }> {
  const pieces: Buffer[] = [];
  const { path, fingerprint } = seen;
  const order = { syncEpoch: epoch, path, fingerprint, maxBytes: MAX_BYTES, ended: options.ended ?? false };
  const packed = await session.client.packGit(order, async (piece) => {
    pieces.push(Buffer.from(piece));
    options.onPiece?.();
  });
  return { packed, bytes: Buffer.concat(pieces) };
}

async function unpack(
  bytes: Buffer,
  path = '.git',
  announced: { size?: number; sha256?: string } = {},
): Promise<GitUnpacked> {
  const head = { syncEpoch: epoch, path, size: bytes.byteLength, sha256: digest(bytes), ...announced };
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let start = 0; start < bytes.byteLength; start += 50_000) yield bytes.subarray(start, start + 50_000);
  }
  return session.client.unpackGit({ ...head, pieces: pieces() });
}

/** A repository with everything that git keeps in its folder. */
function makeRich(): Repository {
  const repository = Repository.init(session.workspace);
  repository.write('run.sh', '#!/bin/sh\n', 0o755);
  repository.commit('big.txt', 'a line\n'.repeat(20_000));
  repository.git('gc', '--quiet');
  repository.git('branch', 'feature/one');
  repository.git('tag', '--annotate', 'v1', '--message', 'first');
  repository.commit('loose.txt', 'loose\n');
  repository.write('main.py', 'print(2)\n');
  repository.git('stash');
  repository.write('main.py', 'print(3)\n');
  repository.write('staged.txt', 'staged\n');
  repository.git('add', 'staged.txt');
  repository.write('.git/hooks/pre-commit', '#!/bin/sh\nexit 0\n', 0o755);
  return repository;
}

describe('a packed .git folder', () => {
  it('is the same repository after its unpacking, with branches, stash, index, packed and loose objects and hooks', async () => {
    const repository = makeRich();
    symlinkSync('pre-commit', at('.git/hooks/pre-push'));
    const before = repository.describe();
    const { packed, bytes } = await pack(await look());
    expect(packed).toEqual({ outcome: 'packed', size: bytes.byteLength, sha256: digest(bytes) });
    rmSync(at('.git'), { recursive: true });
    expect(await unpack(bytes)).toMatchObject({ outcome: 'unpacked' });
    expect(repository.describe()).toBe(before);
    expect(statSync(at('.git/hooks/pre-commit')).mode & 0o777).toBe(0o755);
    expect(readFileSync(at('.git/hooks/pre-push'), 'utf8')).toBe('#!/bin/sh\nexit 0\n');
    expect(readdirSync(session.workspace).filter((name) => name.startsWith('.berth-git-'))).toEqual([]);
    repository.commit('after.txt', 'it can be worked on\n');
  });

  it('is packed into the same bytes as long as it holds the same, and named the same as long as nobody wrote', async () => {
    makeRich();
    const first = await look();
    const bytes = (await pack(first)).bytes;
    expect((await look()).fingerprint).toBe(first.fingerprint);
    rmSync(at('.git'), { recursive: true });
    const answer = await unpack(bytes);
    const second = await look();
    expect(answer).toMatchObject({ fingerprint: second.fingerprint, identity: second.identity });
    expect(second.identity).not.toBe(first.identity);
    expect((await pack(second)).bytes.equals(bytes)).toBe(true);
  });

  it.each([
    ['a commit', (repository: Repository) => repository.commit('a.txt', 'a\n')],
    ['a branch', (repository: Repository) => repository.git('branch', 'other')],
    [
      'an object that nothing refers to',
      (repository: Repository) => repository.git('hash-object', '-w', 'main.py.new'),
    ],
    ['a setting', (repository: Repository) => repository.git('config', 'user.name', 'Bob')],
  ])('has another fingerprint after %s', async (_, change) => {
    const repository = Repository.init(session.workspace);
    repository.write('main.py.new', 'new\n');
    const before = await look();
    change(repository);
    expect((await look()).fingerprint).not.toBe(before.fingerprint);
  });

  it('keeps its fingerprint when the folder around it is moved', async () => {
    Repository.init(session.workspace, 'old');
    const before = await look('old/.git');
    renameSync(at('old'), at('new'));
    expect(await look('new/.git')).toMatchObject({ fingerprint: before.fingerprint, identity: before.identity });
  });

  it('is moving when something is written to it while it is packed, before or after', async () => {
    const repository = Repository.init(session.workspace);
    repository.write('.git/large', 'x'.repeat(3_000_000));
    const seen = await look();
    let written = false;
    const during = await pack(seen, {
      onPiece: () => {
        if (!written) repository.commit('during.txt', 'during\n');
        written = true;
      },
    });
    expect(written).toBe(true);
    expect(during.packed).toEqual({ outcome: 'moving' });
    expect((await pack(seen)).packed).toEqual({ outcome: 'moving' });
    expect((await pack(await look())).packed.outcome).toBe('packed');
  });

  it('is moving while a program holds a lock, unless no program runs any more or the lock is old', async () => {
    Repository.init(session.workspace).write('.git/index.lock', '');
    const seen = await look();
    expect(seen.locked).toBe(true);
    expect((await pack(seen)).packed).toEqual({ outcome: 'moving' });
    expect((await pack(seen, { ended: true })).packed.outcome).toBe('packed');
    const then = new Date(Date.now() - 3_600_000);
    utimesSync(at('.git/index.lock'), then, then);
    expect((await look()).locked).toBe(false);
  });

  it('is refused with its reason when it is too large, closed, or has a link that leads out', async () => {
    const repository = Repository.init(session.workspace);
    expect((await look('.git', 2_000)).refusal).toBe('git-too-large');
    symlinkSync('../../elsewhere', at('.git/hooks/link'));
    const linked = await look();
    expect(linked.refusal).toBe('git-outside-link');
    expect((await pack(linked)).packed).toEqual({ outcome: 'refused', reason: 'git-outside-link' });
    rmSync(at('.git/hooks/link'));
    repository.write('.git/closed', 'x');
    chmodSync(at('.git/closed'), 0o000);
    expect((await look()).refusal).toBe('git-unreadable');
  });

  it('is left out when it is a file, a link or gone, and nothing else can be asked for', async () => {
    mkdirSync(at('worktree'));
    writeFileSync(at('worktree/.git'), 'gitdir: elsewhere\n');
    mkdirSync(at('linked'));
    symlinkSync('/etc', at('linked/.git'));
    const options = { syncEpoch: epoch, maxBytes: MAX_BYTES };
    const paths = ['worktree/.git', 'linked/.git', 'nowhere/.git'];
    expect(await session.client.lookAtGit(paths, options)).toEqual([]);
    await expect(session.client.lookAtGit(['worktree'], options)).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
  });
});

describe('git in a terminal', () => {
  it('does not see the files that Berth keeps in the workspace', async () => {
    const shell = await openPodShell(session.client);
    const { output } = await shell.run('git init --quiet . && touch mine && git status --porcelain');
    expect(output).toBe('?? mine');
    await shell.close();
  });
});

describe('an unpacking', () => {
  const packOf = (entries: [GitEntry, string?][]): Buffer =>
    Buffer.concat([...entries.flatMap(([entry, body = '']) => [encodeHead(entry), Buffer.from(body)]), PACK_END]);
  const file = (path: string, size: number): GitEntry => ({ type: 'file', path, mode: 0o644, size });
  const raw = (head: object, body = ''): Buffer => packOf([[head as GitEntry, body]]);

  it('leaves a .git that is there as it is', async () => {
    const repository = Repository.init(session.workspace);
    const { bytes } = await pack(await look());
    repository.commit('later.txt', 'later\n');
    const before = repository.describe();
    expect(await unpack(bytes)).toEqual({ outcome: 'present' });
    expect(repository.describe()).toBe(before);
  });

  it('needs the folder around it', async () => {
    expect(await unpack(packOf([[file('HEAD', 1), 'x']]), 'nowhere/.git')).toEqual({
      outcome: 'refused',
      reason: 'ENOENT',
    });
    expect(existsSync(at('nowhere'))).toBe(false);
  });

  it.each([
    ['a path that leaves the folder', raw({ type: 'file', path: '../escaped', mode: 0o644, size: 1 }, 'x')],
    ['an absolute path', raw({ type: 'file', path: '/tmp/escaped', mode: 0o644, size: 1 }, 'x')],
    ['an empty name', raw({ type: 'folder', path: 'refs//heads' })],
    ['a device', raw({ type: 'device', path: 'null' })],
    ['a set-uid bit', raw({ type: 'file', path: 'x', mode: 0o4755, size: 1 }, 'x')],
    ['a link that leads out', raw({ type: 'link', path: 'hooks/x', target: '../../escaped' })],
    ['an absolute link', raw({ type: 'link', path: 'x', target: '/etc/passwd' })],
    [
      'a file through a link',
      packOf([[{ type: 'link', path: 'l', target: 'd' }], [{ type: 'folder', path: 'd' }], [file('l/x', 1), 'x']]),
    ],
    [
      'the same file twice',
      packOf([
        [file('x', 1), 'x'],
        [file('x', 1), 'y'],
      ]),
    ],
    ['a file that claims more than there is', packOf([[file('x', 1_000_000), 'x']])],
    ['a head without an end', Buffer.from([0, 0, 1, 0, 123])],
    ['a head of a gigabyte', Buffer.from([0x40, 0, 0, 0])],
    ['no end', packOf([[file('x', 1), 'x']]).subarray(0, -4)],
    ['bytes after the end', Buffer.concat([packOf([]), Buffer.from('more')])],
    ['nothing', Buffer.alloc(0)],
  ])('refuses %s, and leaves nothing behind', async (_, bytes) => {
    expect((await unpack(bytes)).outcome).toBe('refused');
    expect(readdirSync(session.workspace)).toEqual(['.berth-volume']);
    expect(existsSync(join(session.workspace, '../escaped'))).toBe(false);
  });

  it('refuses bytes that are not those that were announced', async () => {
    const bytes = packOf([[file('HEAD', 5), 'ref: ']]);
    expect((await unpack(bytes, '.git', { sha256: digest('other') })).outcome).toBe('refused');
    expect((await unpack(bytes, '.git', { size: bytes.byteLength + 1 })).outcome).toBe('refused');
    expect((await unpack(bytes, '.git', { size: bytes.byteLength - 1 })).outcome).toBe('refused');
    expect(readdirSync(session.workspace)).toEqual(['.berth-volume']);
  });

  it('of an agent that is killed in the middle is never seen, and is gone after its next start', async () => {
    const own = await startLocalSession();
    const head = encodeHead({ type: 'file', path: 'objects', mode: 0o644, size: 1_000_000 });
    const names = (): string[] => readdirSync(own.workspace).filter((name) => name !== '.berth-volume');
    const stalled = Promise.withResolvers<undefined>();
    async function* pieces(): AsyncGenerator<Buffer> {
      yield head;
      yield Buffer.alloc(400_000);
      await stalled.promise;
    }
    const order = { syncEpoch: 1, path: '.git', size: 2_000_000, sha256: digest('x'), pieces: pieces() };
    const killed = own.client.unpackGit(order).catch((error: unknown) => error);
    await waitFor(() => names().some((name) => name.startsWith('.berth-git-')), { what: 'a draft' });
    await own.runtime.destroyPod(own.uuid);
    stalled.resolve(undefined);
    expect(await killed).toMatchObject({ code: 'AGENT_UNREACHABLE' });
    expect(names()).toHaveLength(1);
    const claimUid = (await own.runtime.list()).volumes[0]?.uid ?? '';
    await own.runtime.ensurePod({ uuid: own.uuid, generation: 1, volumeId: 1, claimUid, language: 'python' });
    const { entries } = await (await own.connect()).manifest({ syncEpoch: 1, keep: [] });
    expect([entries, names()]).toEqual([[], []]);
    await own.stop();
  });
});
