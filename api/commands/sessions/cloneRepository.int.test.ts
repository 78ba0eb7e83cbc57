import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cloneAgain } from '#api/commands/sessions/cloneRepository.ts';
import { createSession } from '#api/commands/sessions/createSession.ts';
import type { ApiDeps } from '#api/deps.ts';
import { CreateSession } from '#shared/contracts/session.ts';
import { cloneCommand, type WantedRepository } from '#shared/domain/cloneCommand.ts';
import { listGitFolders } from '#platform/db/repositories/gitFolders.ts';
import { findRunById } from '#platform/db/repositories/runs.ts';
import { findSessionRepository } from '#platform/db/repositories/sessionRepositories.ts';
import { build } from '#tests/support/factories.ts';
import { receiptOf, requestRun } from '#tests/support/runStage.ts';
import { createSessionStack, type SessionStack } from '#tests/support/sessionStack.ts';
import { createTestDeps } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const PORT = 18_733;
const ENVIRONMENT = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_COUNT: '3',
  GIT_CONFIG_KEY_0: 'user.name',
  GIT_CONFIG_VALUE_0: 'Ada',
  GIT_CONFIG_KEY_1: 'user.email',
  GIT_CONFIG_VALUE_1: 'ada@example.org',
  GIT_CONFIG_KEY_2: 'init.defaultBranch',
  GIT_CONFIG_VALUE_2: 'main',
};

describe('the command of a clone', () => {
  let ground: string;
  let url: string;
  beforeAll(() => {
    ground = mkdtempSync(path.join(tmpdir(), 'berth-clone-'));
    const from = path.join(ground, 'from');
    url = `file://${from}`;
    const git = (...words: string[]) => execFileSync('git', ['-C', from, ...words], { env: ENVIRONMENT });
    mkdirSync(from);
    git('init', '--quiet');
    for (const name of ['one.txt', 'two.txt']) {
      writeFileSync(path.join(from, name), name);
      git('add', '.');
      git('commit', '--quiet', '--message', name);
    }
    git('checkout', '--quiet', '-b', 'feature/x');
    writeFileSync(path.join(from, 'three.txt'), 'three');
    git('add', '.');
    git('commit', '--quiet', '--message', 'three');
    git('checkout', '--quiet', 'main');
  });
  afterAll(() => rmSync(ground, { recursive: true, force: true }));

  function newRoot(): string {
    return mkdtempSync(path.join(ground, 'root-'));
  }
  /** Runs it as a session would, but from a folder of this machine. */
  function clone(root: string, wanted: Partial<WantedRepository> = {}): { status: number | null; told: string } {
    const repository = { url, branch: null, depth: null, folder: '', ...wanted };
    const [program = '', ...words] = cloneCommand(repository, { draft: randomUUID(), local: false }).argv;
    const given = [...words.slice(0, -1), 'file'];
    const { status, stderr } = spawnSync(program, given, { cwd: root, env: ENVIRONMENT, encoding: 'utf8' });
    return { status, told: stderr };
  }
  const log = (folder: string): string =>
    execFileSync('git', ['-C', folder, 'log', '--format=%s'], { env: ENVIRONMENT, encoding: 'utf8' });
  const changes = (folder: string): string =>
    execFileSync('git', ['-C', folder, 'status', '--porcelain'], { env: ENVIRONMENT, encoding: 'utf8' });

  it('fills the root, with its history, and leaves no draft behind', () => {
    const root = newRoot();
    expect(clone(root)).toMatchObject({ status: 0 });
    expect(readdirSync(root).sort()).toEqual(['.git', 'one.txt', 'two.txt']);
    expect([log(root), changes(root)]).toEqual(['two.txt\none.txt\n', '']);
  });

  it('fills a folder with a branch, and with so much of its history as was asked for', () => {
    const root = newRoot();
    const wanted = { folder: 'deep/copy', branch: 'feature/x', depth: 1 };
    expect(clone(root, wanted)).toMatchObject({ status: 0 });
    const copy = path.join(root, 'deep/copy');
    expect([log(copy), changes(copy), readdirSync(root)]).toEqual(['three\n', '', ['deep']]);
  });

  it('keeps what is there: beside other files it clones, over one of the same name it does not', () => {
    const root = newRoot();
    writeFileSync(path.join(root, 'notes.txt'), 'mine');
    expect(clone(root)).toMatchObject({ status: 0 });
    const other = newRoot();
    writeFileSync(path.join(other, 'one.txt'), 'mine');
    expect(clone(other)).toMatchObject({ status: 1, told: expect.stringContaining('one.txt') });
    expect(readdirSync(other)).toEqual(['one.txt']);
    expect(readFileSync(path.join(other, 'one.txt'), 'utf8')).toBe('mine');
    expect(clone(root)).toMatchObject({ status: 1, told: expect.stringContaining('a repository in the session') });
    mkdirSync(path.join(root, 'taken'));
    expect(clone(root, { folder: 'taken' })).toMatchObject({ status: 1, told: expect.stringContaining('already') });
  });

  it('takes nothing that a person wrote for an option or a command, and tells what is not found', () => {
    const root = newRoot();
    const marker = path.join(ground, 'marker');
    for (const branch of ['--upload-pack=touch marker', `$(touch ${marker})`]) {
      expect(clone(root, { branch })).toMatchObject({ status: 128 });
    }
    expect(clone(root, { url: `--upload-pack=touch ${marker}` }).status).not.toBe(0);
    expect(existsSync(marker)).toBe(false);
    expect(clone(root, { url: `${url}-missing` })).toMatchObject({ status: 128 });
    expect(readdirSync(root)).toEqual([]);
  });

  it('is done at once with a repository that is empty', () => {
    const root = newRoot();
    const empty = path.join(ground, 'empty');
    execFileSync('git', ['init', '--quiet', '--bare', empty], { env: ENVIRONMENT });
    expect(clone(root, { url: `file://${empty}` })).toMatchObject({ status: 0 });
    expect(readdirSync(root)).toEqual(['.git']);
  });
});

describe('a session that is made from a repository', () => {
  let stack: SessionStack;
  let deps: ApiDeps;
  let close: () => Promise<void>;
  let userId: number;
  beforeAll(async () => {
    stack = await createSessionStack({ CLONE_LOCAL: 'true' });
    ({ deps, close } = await createTestDeps({ ...stack, drop: () => stack.stop() }));
    userId = (await build.user(stack.database)).id;
  });
  afterAll(async () => {
    await close();
    await stack.stop();
  });

  it('tells why a clone failed, stays usable, and has it after the next try, with its .git after a close', async () => {
    const url = `http://127.0.0.1:${PORT}/from/.git`;
    const wanted = CreateSession.parse({ name: 'cloned', open: true, repository: { url, branch: 'main' } });
    const session = await createSession(deps, { userId, wanted, source: null });
    const tried = (await findSessionRepository(stack.database, session.id))!;
    expect(tried).toMatchObject({ url, branch: 'main', depth: null, folder: '' });
    const failed = await receiptOf(stack, (await findRunById(stack.database, tried.run!.id))!);
    expect(failed).toMatchObject({ status: 'failed', exitCode: 128, err: expect.stringMatching(/unable to access/) });
    expect((await stack.read(session)).phase).toBe('running');

    // The session's own network is where it can reach a server: it has no other here.
    const serve = `mkdir /tmp/web && cd /tmp/web && git init -q -b main from && cd from &&
      git config user.email a@example.org && git config user.name Ada && echo 'print(1)' > main.py && git add . &&
      git commit -qm first && git update-server-info && cd .. && exec python3 -m http.server --bind 127.0.0.1 ${PORT}`;
    await requestRun(stack, session, { command: serve });
    const agent = await stack.agent(session);
    await waitFor(async () => (await agent.ports.list()).length === 1, { deadlineMs: 20_000, what: 'the server' });
    const again = await receiptOf(stack, await cloneAgain(deps, { session, userId }));
    expect([again.err, again.status]).toEqual([expect.not.stringContaining('fatal'), 'succeeded']);
    await waitFor(async () => (await stack.fileInDatabase(session, 'main.py')) === 'print(1)\n', {
      deadlineMs: 10_000,
      what: 'the cloned file',
    });
    await expect(cloneAgain(deps, { session, userId })).rejects.toMatchObject({ code: 'CLONE_REFUSED' });
    await stack.close(session);
    await stack.reaches(session, 'closed');
    expect(await listGitFolders(stack.database, session.id)).toMatchObject([{ path: '.git', removedAt: null }]);
  });

  it('is not made at all when the address is none that may be cloned from', async () => {
    const sessions = () => stack.database.query('SELECT 1 FROM sessions');
    const before = (await sessions()).length;
    const wanted = CreateSession.parse({ name: 'x', repository: { url: 'ssh://example.org/x' } });
    await expect(createSession(deps, { userId, wanted, source: null })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    expect(await sessions()).toHaveLength(before);
  });

  it.each([
    { url: '' },
    { url: 'https://example.org/x', branch: '-b' },
    { url: 'https://example.org/x', branch: 'a..b' },
    { url: 'https://example.org/x', branch: 'a b' },
    { url: 'https://example.org/x', folder: '../out' },
    { url: 'https://example.org/x', folder: '/etc' },
    { url: 'https://example.org/x', depth: 0 },
  ])('refuses %j', (repository) => {
    expect(CreateSession.safeParse({ name: 'x', repository }).success).toBe(false);
  });
});
