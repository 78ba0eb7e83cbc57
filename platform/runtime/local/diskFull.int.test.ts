import { randomUUID } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { jest } from '@jest/globals';
import { createItem } from '#api/commands/items/createItem.ts';
import { CreateItem } from '#shared/contracts/item.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { saveInEditor } from '#tests/support/saveInEditor.ts';
import { createSessionStack, fileOnVolume, type SessionStack } from '#tests/support/sessionStack.ts';
import { waitFor } from '#tests/support/waitFor.ts';

jest.setTimeout(240_000);

const PATIENCE = { deadlineMs: 90_000 };
/** Text that needs several pages of the disk. */
const NEWER = `${'# newer than what the disk holds\n'.repeat(2_000)}print("newer")\n`;

/** A file system of 16 MiB, null where this user may not mount one. */
function mountSmallDisk(): string | null {
  const folder = mkdtempSync(path.join(tmpdir(), 'berth-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=0755', 'berth-test', folder], { stdio: 'pipe' });
    return folder;
  } catch {
    rmSync(folder, { recursive: true });
    return null;
  }
}

const disk = mountSmallDisk();

(disk === null ? describe.skip : describe)('a session whose disk is full (needs the right to mount a tmpfs)', () => {
  let stack: SessionStack;
  let session: SessionRecord;
  let shell: { send(line: string): void; shows(wanted: RegExp): Promise<unknown> };

  beforeAll(async () => {
    const dataFolder = mkdtempSync(path.join(tmpdir(), 'berth-'));
    chmodSync(dataFolder, 0o755);
    symlinkSync(disk!, path.join(dataFolder, 'volumes'));
    stack = await createSessionStack({ BERTH_DATA_DIR: dataFolder });
    session = await stack.newSession();
    await stack.open(session);
    await stack.reaches(session, 'running');
    shell = await startShell();
  });
  afterAll(async () => {
    await stack?.stop();
    execFileSync('umount', ['--lazy', disk!]);
    rmSync(disk!, { recursive: true, force: true });
  });

  async function startShell(): Promise<typeof shell> {
    const client = await stack.agent(session);
    const terminal = await client.openTerminal({ name: null, size: { cols: 80, rows: 24 } });
    let printed = '';
    const attachment = await client.attach(
      terminal.id,
      { clientId: randomUUID(), offset: null, size: { cols: 80, rows: 24 }, counts: false },
      {
        output: (_offset, bytes) => void (printed += Buffer.from(bytes).toString('utf8')),
        reset: () => undefined,
        exit: () => undefined,
        closed: () => undefined,
      },
    );
    let seq = attachment.lastInputSeq;
    return {
      send: (line) => attachment.input((seq += 1), Buffer.from(`${line}\n`)),
      shows: (wanted) =>
        waitFor(() => wanted.test(printed), { ...PATIENCE, what: `${String(wanted)} in the terminal` }),
    };
  }

  it('keeps saves in the database, says why programs do not see them, and hands them on when there is room', async () => {
    const older = await stack.fileInDatabase(session, 'main.py');
    // What is ignored is not saved either: only the disk itself is full.
    shell.send('mkdir -p .cache; cat /dev/zero > .cache/fill; echo filled-$((1+1))');
    await shell.shows(/filled-2/);

    await saveInEditor(stack, session, { path: 'main.py', content: NEWER });
    const wanted = CreateItem.parse({ name: 'notes.md', type: 'file', content: NEWER });
    await createItem(stack, { session: await stack.read(session), userId: session.userId, wanted });
    expect(await stack.fileInDatabase(session, 'main.py')).toBe(NEWER);
    await waitFor(async () => (await stack.read(session)).phaseCause === 'disk-full', {
      ...PATIENCE,
      what: 'the cause disk-full',
    });
    expect(await stack.read(session)).toMatchObject({ phase: 'running' });

    shell.send('wc -c main.py; echo still-$((40+2))');
    await shell.shows(/still-42/);
    expect(await fileOnVolume(stack, session, 'main.py')).toBe(older);

    shell.send('rm -r .cache; echo freed-$((2+3))');
    await shell.shows(/freed-5/);
    for (const name of ['main.py', 'notes.md']) {
      await waitFor(async () => (await fileOnVolume(stack, session, name)) === NEWER, {
        ...PATIENCE,
        what: `the newer ${name} on the disk`,
      });
    }
    await waitFor(async () => (await stack.read(session)).phaseCause === null, { ...PATIENCE, what: 'no cause' });
    await stack.close(session);
    await stack.reaches(session, 'closed');
    expect(await stack.volumeState(session)).toBeNull();
    for (const name of ['main.py', 'notes.md']) expect(await stack.fileInDatabase(session, name)).toBe(NEWER);
    const items = await stack.database.query<{ path: string }>(
      `SELECT full_path AS path FROM workspace_items WHERE session_id = $1 ORDER BY 1`,
      [session.id],
    );
    expect(items.map((item) => item.path)).toEqual(['main.py', 'notes.md']);
  });

  it('is not opened when its files do not fit, says so, and opens once they do', async () => {
    const session = await stack.newSession();
    await stack.database.query(
      `WITH file AS (SELECT repeat(n::text, 1000000) AS text FROM generate_series(1, 9) AS n),
         big AS (SELECT left(text, 1000000) || n AS text, n FROM file, LATERAL (SELECT left(text, 1) AS n) AS first),
         many AS (SELECT text || m AS text, n || '-' || m AS name FROM big, generate_series(1, 3) AS m),
         blob AS (INSERT INTO blobs (sha256, bytes) SELECT encode(sha256(text::bytea), 'hex'), text::bytea FROM many
                  ON CONFLICT (sha256) DO UPDATE SET touched_at = now())
       INSERT INTO workspace_items (session_id, name, type, content, sha256, size, full_path)
       SELECT $1, name, 'file', text, encode(sha256(text::bytea), 'hex'), length(text), '' FROM many`,
      [session.id],
    );
    await stack.open(session);
    const failed = await stack.reaches(session, 'failed');
    expect(failed).toMatchObject({ phaseReason: 'load-failed', phaseCause: 'disk-full' });
    await stack.database.query(`DELETE FROM workspace_items WHERE session_id = $1 AND name <> 'main.py'`, [session.id]);
    await stack.open(session);
    await stack.reaches(session, 'running', 2);
    await stack.close(session);
    await stack.reaches(session, 'closed');
  });
});
