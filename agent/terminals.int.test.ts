import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { MAX_TERMINALS, RING_BYTES } from '#shared/contracts/agentProtocol.ts';
import { HIGH_WATER } from '#shared/contracts/terminal.ts';
import { startLocalSession, type LocalSession } from '#tests/support/localSession.ts';
import { openScreen, type TerminalScreen } from '#tests/support/terminalScreen.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const SIZE = { cols: 80, rows: 24 };
let session: LocalSession;

beforeAll(async () => {
  session = await startLocalSession();
});
afterAll(() => session.stop());

/** A terminal with its prompt. */
async function openTerminal(): Promise<{ id: string; screen: TerminalScreen }> {
  const { id } = await session.client.openTerminal({ name: null, size: SIZE });
  const screen = await openScreen(session.client, id);
  await screen.awaitText('$ ');
  return { id, screen };
}

async function closeAll(): Promise<void> {
  for (const { id } of await session.client.listTerminals()) await session.client.closeTerminal(id);
}

async function endOf(id: string): Promise<number> {
  return (await session.client.listTerminals()).find((terminal) => terminal.id === id)?.end ?? 0;
}

/** Resolves once the terminal's output has stood still for 300 ms. */
async function awaitStandstill(id: string): Promise<number> {
  let last = { end: -1, since: 0 };
  return waitFor(
    async () => {
      const end = await endOf(id);
      if (end !== last.end) last = { end, since: Date.now() };
      return Date.now() - last.since > 300 ? end : 0;
    },
    { what: 'a standstill' },
  );
}

describe('a terminal', () => {
  afterEach(closeAll);

  it('echoes, runs programs and tells its exit code after its last byte', async () => {
    const { id, screen } = await openTerminal();
    screen.type('echo six times seven is $((6*7)); exit 3\r');
    await waitFor(() => screen.exitCode !== undefined);
    expect(screen.exitCode).toBe(3);
    expect(screen.text()).toContain('six times seven is 42');
    const listed = (await session.client.listTerminals()).find((terminal) => terminal.id === id);
    expect(listed).toMatchObject({ running: false, exitCode: 3, end: screen.offset() });
  });

  it('tells the title that a program sets, and keeps the name that a person gives', async () => {
    const { id, screen } = await openTerminal();
    screen.type("printf '\\033]0;my %s\\007' title\r");
    await session.client.renameTerminal(id, 'server');
    await waitFor(
      async () => (await session.client.listTerminals()).find((one) => one.id === id)?.title === 'my title',
    );
    expect((await session.client.listTerminals()).find((one) => one.id === id)?.name).toBe('server');
  });

  it('takes each input once, however often it is sent', async () => {
    const { id, screen } = await openTerminal();
    const again = await openScreen(session.client, id, { clientId: 'one-client' });
    again.attachment.input(1, Buffer.from('echo on'));
    again.attachment.input(2, Buffer.from('ce-$((1+1))\r'));
    again.attachment.input(1, Buffer.from('echo twice\r'));
    again.attachment.input(2, Buffer.from('echo twice\r'));
    await screen.awaitText('once-2');
    const rejoined = await openScreen(session.client, id, { clientId: 'one-client' });
    expect(rejoined.attachment.lastInputSeq).toBe(2);
    expect(screen.text()).not.toContain('twice');
  });

  it('has the size of the client that typed last', async () => {
    const { id, screen } = await openTerminal();
    const other = await openScreen(session.client, id);
    other.attachment.resize({ cols: 50, rows: 20 });
    screen.type('stty size; echo first\r');
    // The typed line is on the screen as well, before what it prints.
    await screen.awaitText('\nfirst\r\n');
    expect(screen.text()).toContain('24 80');
    other.type('stty size; echo second\r');
    await screen.awaitText('\r\nsecond');
    expect(screen.text()).toContain('20 50');
  });

  it('takes the answers of one screen to a query, and none of them for typing', async () => {
    const { id, screen } = await openTerminal();
    const other = await openScreen(session.client, id);
    other.attachment.resize({ cols: 50, rows: 20 });
    screen.type('stty -icanon; cat -v\r');
    await waitFor(async () => (await session.client.activity()).foregroundJob === 'cat');
    other.type('\u001b[0n');
    screen.type('\u001b[0n');
    screen.type('!');
    // Twice: the terminal's own echo, and later what cat makes of it.
    await waitFor(() => screen.text().split('!').length - 1 === 2);
    expect(screen.text().split('^[[0n').length - 1).toBe(2);
    screen.type('\u0003');
    await waitFor(async () => (await session.client.activity()).foregroundJob === null);
    screen.type('stty size; echo asked\r');
    await screen.awaitText('\nasked\r\n');
    expect(screen.text()).toContain('24 80');
  });

  it('gives a client that was killed exactly the rest: together they are byte for byte what was printed', async () => {
    const { id, screen } = await openTerminal();
    const killed = spawn(
      process.execPath,
      [fileURLToPath(new URL('../tests/support/recordTerminal.ts', import.meta.url)), id],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          ...process.env,
          NODE_OPTIONS: '',
          BERTH_SECRET: session.config.BERTH_SECRET,
          BERTH_DATA_DIR: session.config.BERTH_DATA_DIR,
          SESSION_UUID: session.uuid,
        },
      },
    );
    const recorded: Buffer[] = [];
    killed.stdout.on('data', (chunk: Buffer) => {
      recorded.push(chunk);
      // In the middle of the output, with bytes under way.
      if (Buffer.concat(recorded).includes('line 3000')) killed.kill('SIGKILL');
    });
    await waitFor(() => recorded.length > 0, { what: 'the recorder to join' });
    screen.type('for i in $(seq 1 20000); do echo line $i; done; echo the end is $((1+1))\r');
    await once(killed, 'close');
    const head = Buffer.concat(recorded);
    const rest = await openScreen(await session.connect(), id, { offset: head.length });
    await rest.awaitText('the end is 2', 30_000);
    await screen.awaitText('the end is 2', 30_000);
    const end = Math.min(rest.offset(), screen.offset());
    const digest = (bytes: Buffer): string => createHash('sha256').update(bytes.subarray(0, end)).digest('hex');
    expect(head.length).toBeGreaterThan(10_000);
    expect(rest.attachment.reset).toBe(false);
    expect(digest(Buffer.concat([head, rest.bytes()]))).toBe(digest(screen.bytes()));
  });

  it('blocks a flooding program a window beyond its only reader, and runs free once that is silent', async () => {
    const { id } = await session.client.openTerminal({ name: null, size: SIZE });
    const screen = await openScreen(session.client, id, { acknowledges: false });
    await screen.awaitText('$ ');
    screen.attachment.ack(screen.offset());
    const start = screen.offset();
    screen.type('yes flood\r');
    const held = await waitFor(
      async () => {
        // Heard from again and again: a busy machine must not pass for a silent reader.
        screen.attachment.counts(true);
        return screen.offset() - start >= HIGH_WATER && endOf(id);
      },
      { what: 'a full window' },
    );
    expect(held - start).toBeLessThan(HIGH_WATER + 128 * 1024);
    expect(screen.offset() - start).toBe(HIGH_WATER);
    // After 2 s without a word the reader holds nothing back any more.
    await waitFor(async () => (await endOf(id)) > start + 3 * RING_BYTES);
    // What it missed is gone: it starts afresh at what the ring still holds.
    screen.attachment.ack(screen.offset());
    await waitFor(() => screen.resets.length > 0);
  });

  it('is never held back by a reader that is hidden', async () => {
    const { id, screen } = await openTerminal();
    screen.attachment.counts(false);
    const hidden = await openScreen(session.client, id, { counts: false, acknowledges: false });
    screen.type('yes flood\r');
    await waitFor(async () => (await endOf(id)) > 5 * RING_BYTES);
    expect(hidden.closed).toBe(false);
  });

  it('keeps the unacknowledged tail of a lost reader, and blocks rather than overwrite it', async () => {
    const { id } = await session.client.openTerminal({ name: null, size: SIZE });
    const lost = await session.connect();
    const screen = await openScreen(lost, id, { clientId: 'lost-reader', acknowledges: false });
    await screen.awaitText('$ ');
    const seen = screen.offset();
    screen.attachment.ack(seen);
    screen.type('yes pinned\r');
    await waitFor(() => {
      screen.attachment.counts(true);
      return screen.offset() > seen + 1_000;
    });
    lost.close();
    // The agent may not have noticed yet: until then the window of the lost reader holds the program.
    await waitFor(async () => (await endOf(id)) - seen > RING_BYTES / 2);
    const held = await awaitStandstill(id);
    expect(held - seen).toBeLessThanOrEqual(RING_BYTES);
    const back = await openScreen(session.client, id, { clientId: 'lost-reader', offset: seen });
    expect(back.attachment.reset).toBe(false);
    await waitFor(() => back.offset() > held);
  });

  it('keeps what comes after the loss of a reader that had taken everything', async () => {
    const { id } = await session.client.openTerminal({ name: null, size: SIZE });
    const lost = await session.connect();
    const screen = await openScreen(lost, id, { clientId: 'lost-at-rest' });
    await screen.awaitText('$ ');
    screen.type('stty -echo; sleep 0.5; yes pinned\r');
    await waitFor(async () => (await session.client.activity()).foregroundJob === 'sleep');
    const seen = screen.offset();
    lost.close();
    await waitFor(async () => (await endOf(id)) - seen > RING_BYTES / 2);
    expect((await awaitStandstill(id)) - seen).toBeLessThanOrEqual(RING_BYTES);
    const back = await openScreen(session.client, id, { clientId: 'lost-at-rest', offset: seen });
    expect(back.attachment.reset).toBe(false);
    await back.awaitText('pinned');
  });

  it('pins nothing for a reader that left in order', async () => {
    const { id } = await session.client.openTerminal({ name: null, size: SIZE });
    const screen = await openScreen(session.client, id, { acknowledges: false });
    await screen.awaitText('$ ');
    screen.type('yes free\r');
    await waitFor(() => screen.offset() > 10_000);
    screen.attachment.detach();
    await waitFor(async () => (await endOf(id)) > 5 * RING_BYTES);
  });

  it('answers its neighbours at once while it floods, and stops at Ctrl-C', async () => {
    const neighbour = await openTerminal();
    const flooder = await openTerminal();
    flooder.screen.type('yes\r');
    await waitFor(() => flooder.screen.offset() > 4 * RING_BYTES, { deadlineMs: 20_000, what: 'a flood' });
    const times: number[] = [];
    for (let count = 0; count < 20; count += 1) {
      const before = performance.now();
      neighbour.screen.type(`echo n$((${count}+1000))n\r`);
      await neighbour.screen.awaitText(`n${count + 1000}n`);
      times.push(performance.now() - before);
    }
    const slowest = Math.max(...times);
    const before = performance.now();
    flooder.screen.type('\u0003');
    await waitFor(async () => (await session.client.activity()).foregroundJob === null);
    process.stdout.write(
      `flood: slowest echo ${slowest.toFixed(1)} ms, Ctrl-C after ${(performance.now() - before).toFixed(1)} ms\n`,
    );
    expect(slowest).toBeLessThan(1_000);
  });

  it('is one of at most sixteen', async () => {
    for (let count = 0; count < MAX_TERMINALS; count += 1) {
      await session.client.openTerminal({ name: null, size: SIZE });
    }
    await expect(session.client.openTerminal({ name: null, size: SIZE })).rejects.toMatchObject({
      code: 'TERMINAL_LIMIT',
    });
  });

  it('that does not exist is TERMINAL_NOT_FOUND', async () => {
    await expect(openScreen(session.client, 'no-such-terminal')).rejects.toMatchObject({ code: 'TERMINAL_NOT_FOUND' });
    await expect(session.client.renameTerminal('no-such-terminal', 'x')).rejects.toMatchObject({
      code: 'TERMINAL_NOT_FOUND',
    });
  });

  it('outlives every caller', async () => {
    const { id, screen } = await openTerminal();
    screen.type("x=kept; echo s''et\r");
    await screen.awaitText('set\r\n');
    session.client.close();
    session.client = await session.connect();
    const again = await openScreen(session.client, id);
    again.type('echo $x-$x\r');
    await again.awaitText('kept-kept');
  });
});

describe('activity', () => {
  afterEach(closeAll);

  it('tells typing from output', async () => {
    const { screen } = await openTerminal();
    screen.type('while sleep 0.05; do echo tick; done\r');
    await screen.awaitText('tick');
    await waitFor(async () => ((await session.client.activity()).untypedSeconds ?? 0) > 0.5, {
      what: 'nobody to type',
    });
    expect((await session.client.activity()).idleSeconds).toBeLessThan(0.5);
    screen.type('\u0003');
    await waitFor(async () => ((await session.client.activity()).untypedSeconds ?? 9) < 0.5, {
      what: 'somebody to type',
    });
  });

  it('names the job in the foreground and counts seconds since the last sign of life', async () => {
    const { screen } = await openTerminal();
    screen.type('sleep 60\r');
    const busy = await waitFor(async () => {
      const activity = await session.client.activity();
      // Between its fork and its exec the job still bears the shell's name.
      return activity.foregroundJob === null || activity.foregroundJob === 'bash' ? null : activity;
    });
    expect(busy).toMatchObject({ foregroundJob: 'sleep', idleSeconds: 0 });
    screen.type('\u0003');
    await waitFor(async () => {
      const activity = await session.client.activity();
      return activity.foregroundJob === null && activity.idleSeconds > 0.2;
    });
  });
});
