import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { AgentChange, ChangeOutcome, Manifest } from '#platform/agent/AgentClient.ts';
import { digest, emptyWorkspace, linking, writing } from '#tests/support/agentChanges.ts';
import { startLocalSession, type LocalSession } from '#tests/support/localSession.ts';
import { openScreen } from '#tests/support/terminalScreen.ts';
import { waitFor } from '#tests/support/waitFor.ts';

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

/** Names that the agent keeps for itself; none may be left. */
function leftOver(): string[] {
  return readdirSync(session.workspace, { recursive: true })
    .map(String)
    .filter((name) => name.includes('.berth-') && !name.endsWith('.berth-volume'));
}

/** The agent watches over a file that was replaced for so long. */
const WATCHED_MS = 1_000;

/** Saves over a file that a shell holds open, and has the shell write to it. Resolves with the milliseconds from the one to the other. */
async function writeAfterSave(path: string): Promise<number> {
  await apply(writing(path, 'start\n'));
  const { id } = await session.client.openTerminal({ name: null, size: { cols: 80, rows: 24 } });
  const screen = await openScreen(session.client, id);
  screen.type(`exec 9>>${path}; echo op''en\r`);
  await screen.awaitText('open\r\n');
  const before = performance.now();
  expect(await apply(writing(path, 'saved\n', { expected: digest('start\n') }))).toEqual([{ outcome: 'applied' }]);
  screen.type("echo late >&9; echo wri''tten; exec 9>&-; exit\r");
  await screen.awaitText('written\r\n');
  return performance.now() - before;
}

describe('a write', () => {
  it('makes the file with its folders, its bytes and its executable bit', async () => {
    expect(await apply(writing('a/b/run.sh', '#!/bin/sh\n', { executable: true }))).toEqual([{ outcome: 'applied' }]);
    expect(readFileSync(at('a/b/run.sh'), 'utf8')).toBe('#!/bin/sh\n');
    expect(statSync(at('a/b/run.sh')).mode & 0o111).toBe(0o111);
  });

  it('replaces what is expected, and only that', async () => {
    await apply(writing('x.txt', 'one'));
    expect(await apply(writing('x.txt', 'two', { expected: digest('one') }))).toEqual([{ outcome: 'applied' }]);
    expect(await apply(writing('x.txt', 'three', { expected: digest('one') }))).toEqual([
      { outcome: 'unexpected', found: digest('two') },
    ]);
    expect(await apply(writing('x.txt', 'new'))).toEqual([{ outcome: 'unexpected', found: digest('two') }]);
    expect(await apply(writing('gone.txt', 'new', { expected: digest('one') }))).toEqual([
      { outcome: 'unexpected', found: null },
    ]);
    expect(readFileSync(at('x.txt'), 'utf8')).toBe('two');
  });

  it('that is repeated is applied already, whatever it expects', async () => {
    await apply(writing('x.txt', 'one'));
    expect(
      await apply(writing('x.txt', 'one'), writing('x.txt', 'one', { expected: digest('zero'), executable: true })),
    ).toEqual([{ outcome: 'applied' }, { outcome: 'applied' }]);
    expect(statSync(at('x.txt')).mode & 0o100).toBe(0o100);
  });

  it.each([
    { before: 0o600, executable: false, after: 0o600 },
    { before: 0o640, executable: true, after: 0o750 },
    { before: 0o775, executable: true, after: 0o775 },
    { before: 0o755, executable: false, after: 0o644 },
  ])('keeps who may read what it replaces: %j', async ({ before, executable, after }) => {
    await apply(writing('id.key', 'one'));
    chmodSync(at('id.key'), before);
    await apply(writing('id.key', 'two', { expected: digest('one'), executable }));
    expect(readFileSync(at('id.key'), 'utf8')).toBe('two');
    expect((statSync(at('id.key')).mode & 0o777).toString(8)).toBe(after.toString(8));
  });

  it('whose bytes do not match their digest changes nothing', async () => {
    const change = { ...writing('x.txt', 'one'), sha256: digest('other') } as AgentChange;
    expect(await apply(change)).toEqual([{ outcome: 'refused', reason: 'the bytes do not match their digest' }]);
    expect(existsSync(at('x.txt'))).toBe(false);
  });

  it.each(['../out.txt', '/etc/passwd', 'a/../../out.txt', 'a//b', '.', 'nul\0byte', '.berth-volume', 'a/.berth-x'])(
    'to %j is refused',
    async (path) => {
      const [outcome] = await apply(writing(path, 'x'));
      expect(outcome).toMatchObject({ outcome: 'refused' });
    },
  );

  it('never follows a link that a program has put in the way', async () => {
    mkdirSync(at('real'));
    symlinkSync('/tmp', at('folder-link'));
    symlinkSync('/etc/passwd', at('file-link'));
    const outcomes = await apply(
      writing('folder-link/planted.txt', 'x'),
      writing('file-link', 'x', { expected: digest('anything') }),
    );
    expect(outcomes[0]).toMatchObject({ outcome: 'refused' });
    expect(outcomes[1]).toMatchObject({ outcome: 'unexpected', found: digest('/etc/passwd') });
    expect(existsSync('/tmp/planted.txt')).toBe(false);
    expect(readlinkSync(at('file-link'))).toBe('/etc/passwd');
  });

  it('makes links that stay inside, and no others', async () => {
    await apply(writing('a/file.txt', 'x'));
    expect(
      await apply(linking('a/up', '../a/file.txt'), linking('out', '../../etc/passwd'), linking('abs', '/etc')),
    ).toEqual([
      { outcome: 'applied' },
      { outcome: 'refused', reason: 'the link leaves the workspace' },
      { outcome: 'refused', reason: 'the link leaves the workspace' },
    ]);
    expect(readlinkSync(at('a/up'))).toBe('../a/file.txt');
    expect(await apply(linking('a/up', 'file.txt', digest('../a/file.txt')))).toEqual([{ outcome: 'applied' }]);
  });

  it('keeps what a program goes on writing to the file that was replaced', async () => {
    let stem = '';
    // What a busy machine types too late shows nothing: it is done again with another file.
    for (let count = 0, tookMs = WATCHED_MS; tookMs >= WATCHED_MS; count += 1) {
      stem = `log${String(count)}`;
      tookMs = await writeAfterSave(`${stem}.txt`);
    }
    const copy = await waitFor(() =>
      readdirSync(session.workspace).find((name) => name.startsWith(`${stem}.conflict-`)),
    );
    expect(readFileSync(at(copy), 'utf8')).toBe('start\nlate\n');
    expect(readFileSync(at(`${stem}.txt`), 'utf8')).toBe('saved\n');
    expect(copy.slice(stem.length)).toMatch(/^\.conflict-\d{8}-\d{6}\.txt$/);
    await waitFor(() => leftOver().length === 0, { what: 'the displaced file to be settled' });
  });

  it('loses no line of a program that appends while the file is saved again and again', async () => {
    await apply(writing('race.txt', ''));
    const { id } = await session.client.openTerminal({ name: null, size: { cols: 80, rows: 24 } });
    const screen = await openScreen(session.client, id);
    // In bursts: a save finds what it expects only in between, and is often overtaken while it is made. The pauses grow,
    // for a busy disk that takes longer to save than the first of them.
    screen.type(
      'i=0; while [ ! -e stop ]; do let i++; echo "w$i." >> race.txt; ' +
        '((i % 100)) || { printf -v pause 0.%03d $((20 + i / 200)); sleep $pause; }; done; echo total-$i.\r',
    );
    // What a save replaces knowingly: its author had read these very bytes.
    const known: string[] = [];
    let saves = 0;
    while (saves < 25) {
      for await (const file of session.client.read(['race.txt'])) {
        const [outcome] = await apply(writing('race.txt', `save ${String(saves)}\n`, { expected: file.sha256 }));
        if (outcome?.outcome === 'unexpected') continue;
        known.push(Buffer.from(file.bytes).toString());
        saves += 1;
      }
    }
    writeFileSync(at('stop'), '');
    const total = await waitFor(() => /total-(\d+)\./.exec(screen.text())?.[1]);
    await waitFor(() => leftOver().length === 0, { what: 'the displaced files to be settled' });
    const kept = readdirSync(session.workspace).filter((name) => name.startsWith('race.'));
    const everything = [...known, ...kept.map((name) => readFileSync(at(name), 'utf8'))].join('');
    const lines = new Set(everything.match(/w\d+\./g) ?? []);
    process.stdout.write(`${total} lines, ${saves} saves, ${kept.length - 1} conflict copies\n`);
    expect(lines.size).toBe(Number(total));
  });

  it('of many files at once is flushed once and leaves nothing of the agent behind', async () => {
    const changes = Array.from({ length: 1_000 }, (_, index) =>
      writing(`d${index % 40}/f${index}.txt`, `file ${index}\n`),
    );
    const before = performance.now();
    const outcomes = await session.client.apply(changes, { syncEpoch: null, bulk: true });
    const applied = performance.now();
    const manifest = await scan();
    process.stdout.write(
      `1,000 files: applied in ${(applied - before).toFixed(0)} ms, scanned in ${(performance.now() - applied).toFixed(0)} ms\n`,
    );
    expect(outcomes.every(({ outcome }) => outcome === 'applied')).toBe(true);
    expect(manifest.entries.filter(({ type }) => type === 'file')).toHaveLength(1_000);
    expect(leftOver()).toEqual([]);
  });
});

describe('filling a volume that nobody works on', () => {
  const fill = async (...changes: AgentChange[]): Promise<ChangeOutcome[]> =>
    session.client.apply(changes, { syncEpoch: null, bulk: true, fresh: true });

  it('makes files and links with their folders, and leaves nothing of the agent behind', async () => {
    const outcomes = await fill(
      writing('a/b/run.sh', '#!/bin/sh\n', { executable: true }),
      writing('a/empty.txt', ''),
      linking('a/link', 'b/run.sh'),
    );
    expect(outcomes).toEqual([{ outcome: 'applied' }, { outcome: 'applied' }, { outcome: 'applied' }]);
    expect(readFileSync(at('a/link'), 'utf8')).toBe('#!/bin/sh\n');
    expect(statSync(at('a/b/run.sh')).mode & 0o111).toBe(0o111);
    expect(statSync(at('a/empty.txt')).size).toBe(0);
    expect(leftOver()).toEqual([]);
  });

  it('keeps what is there already, as any other write does', async () => {
    writeFileSync(at('same.txt'), 'same');
    writeFileSync(at('other.txt'), 'other');
    await apply(writing('half.txt', 'ha'));
    expect(
      await fill(
        writing('same.txt', 'same'),
        writing('other.txt', 'new'),
        writing('half.txt', 'half', { expected: digest('ha') }),
      ),
    ).toEqual([{ outcome: 'applied' }, { outcome: 'unexpected', found: digest('other') }, { outcome: 'applied' }]);
    expect(readFileSync(at('other.txt'), 'utf8')).toBe('other');
    expect(readFileSync(at('half.txt'), 'utf8')).toBe('half');
  });

  it('leaves no file whose bytes are not those that were announced', async () => {
    const change = { ...writing('bad.txt', 'one'), sha256: digest('two') };
    expect(await fill(change)).toMatchObject([{ outcome: 'refused' }]);
    expect(existsSync(at('bad.txt'))).toBe(false);
  });
});

describe('other changes', () => {
  it('remove what is expected, and keep what is not', async () => {
    await apply(writing('a/x.txt', 'one'));
    const remove = (expected: string): AgentChange => ({ op: 'remove', path: 'a/x.txt', expected, type: 'file' });
    expect(await apply(remove(digest('zero')))).toEqual([{ outcome: 'unexpected', found: digest('one') }]);
    expect(existsSync(at('a/x.txt'))).toBe(true);
    expect(await apply({ op: 'remove', path: 'a', expected: null, type: 'folder' })).toEqual([
      { outcome: 'refused', reason: 'not-empty' },
    ]);
    expect(await apply(remove(digest('one')), remove(digest('one')))).toEqual([
      { outcome: 'applied' },
      { outcome: 'applied' },
    ]);
    expect(await apply({ op: 'remove', path: 'a', expected: null, type: 'folder' })).toEqual([{ outcome: 'applied' }]);
    expect(existsSync(at('a'))).toBe(false);
  });

  it('rename to a free name only', async () => {
    await apply(writing('from.txt', 'one'), writing('taken.txt', 'two'));
    const rename = (to: string): AgentChange => ({ op: 'rename', from: 'from.txt', to, expected: digest('one') });
    expect(await apply(rename('taken.txt'))).toEqual([{ outcome: 'unexpected', found: digest('two') }]);
    expect(await apply(rename('new/place.txt'))).toEqual([{ outcome: 'applied' }]);
    expect(readFileSync(at('new/place.txt'), 'utf8')).toBe('one');
    expect(existsSync(at('from.txt'))).toBe(false);
  });

  it('make folders, and accept those that are there', async () => {
    expect(await apply({ op: 'mkdir', path: 'p/q' }, { op: 'mkdir', path: 'p/q' })).toEqual([
      { outcome: 'applied' },
      { outcome: 'applied' },
    ]);
    await apply(writing('file', 'x'));
    expect(await apply({ op: 'mkdir', path: 'file' })).toEqual([{ outcome: 'unexpected', found: digest('x') }]);
  });

  it('of a reconcile that has been overtaken are refused', async () => {
    const current = (epoch += 10);
    await session.client.manifest({ syncEpoch: current, keep: [] });
    await expect(session.client.manifest({ syncEpoch: current - 1, keep: [] })).rejects.toMatchObject({
      code: 'STALE_GENERATION',
    });
    await expect(
      session.client.apply([writing('late.txt', 'x')], { syncEpoch: current - 1, bulk: false }),
    ).rejects.toMatchObject({ code: 'STALE_GENERATION' });
    expect(existsSync(at('late.txt'))).toBe(false);
  });
});

describe('quiescing', () => {
  it('ends every process, even those that ignore the hang-up or left their terminal, and refuses new ones', async () => {
    const { id } = await session.client.openTerminal({ name: null, size: { cols: 80, rows: 24 } });
    const screen = await openScreen(session.client, id);
    screen.type(
      "(trap '' HUP; while true; do date > beat.txt; sleep 0.05; done) & setsid sleep 1000 >/dev/null 2>&1 & echo st''arted\r",
    );
    await screen.awaitText('started');
    await waitFor(() => existsSync(at('beat.txt')));
    const before = performance.now();
    await session.client.quiesce({ graceMs: 300 });
    expect(performance.now() - before).toBeLessThan(5_000);
    const last = statSync(at('beat.txt')).mtimeMs;
    await expect(session.client.openTerminal({ name: null, size: { cols: 80, rows: 24 } })).rejects.toMatchObject({
      code: 'SESSION_NOT_RUNNING',
    });
    expect((await scan()).entries.map(({ path }) => path)).toEqual(['beat.txt']);
    expect(statSync(at('beat.txt')).mtimeMs).toBe(last);
  });
});
