import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { INPUT_WINDOW } from '#shared/domain/terminalFlow.ts';
import { startLocalSession, type LocalSession } from '#tests/support/localSession.ts';
import { openScreen, type TerminalScreen } from '#tests/support/terminalScreen.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const SIZE = { cols: 80, rows: 24 };
const PIECE_BYTES = 64 * 1024;
const PIECES = 80;

let session: LocalSession;
beforeAll(async () => {
  session = await startLocalSession();
});
afterAll(() => session.stop());

async function openTerminal(): Promise<TerminalScreen & { id: string }> {
  const { id } = await session.client.openTerminal({ name: null, size: SIZE });
  const screen = await openScreen(session.client, id);
  await screen.awaitText('$ ');
  return Object.assign(screen, { id });
}

describe('the input of a terminal', () => {
  it('reaches a program that reads late without a byte lost, and as much as the window is held meanwhile', async () => {
    const screen = await openTerminal();
    const other = await openTerminal();
    const bytes = PIECES * PIECE_BYTES;
    screen.type('mkfifo gate; stty raw -echo; echo ready-$((1+1)); cat gate; ');
    screen.type(`head -c ${String(bytes)} | sha256sum; stty sane; echo read-$((1+1))\r`);
    await screen.awaitText('ready-2');
    const { attachment } = screen;
    const first = attachment.lastInputSeq + 3;
    expect(attachment.inputWindow).toBe(INPUT_WINDOW);
    const digest = createHash('sha256');
    const window = INPUT_WINDOW / PIECE_BYTES;
    for (let count = 0; count < PIECES; count += 1) {
      const piece = randomBytes(PIECE_BYTES);
      digest.update(piece);
      // Nothing is read before the gate opens: it opens once the window is full.
      if (count === window) other.type('echo > gate\r');
      await waitFor(() => first + count - window <= screen.taken || count < window, { what: 'room for more' });
      attachment.input(first + count, piece);
    }
    await screen.awaitText('read-2');
    expect(screen.text()).toContain(digest.digest('hex'));
  });

  it('that arrived and waits to be read is told apart from what was read when its client comes back', async () => {
    const screen = await openTerminal();
    const clientId = randomUUID();
    const first = await openScreen(session.client, screen.id, { clientId });
    first.type('mkfifo later; stty raw -echo; echo ready-$((3+3)); cat later\r');
    await first.awaitText('ready-6');
    const count = INPUT_WINDOW / PIECE_BYTES;
    for (let seq = 2; seq < 2 + count; seq += 1) first.attachment.input(seq, Buffer.alloc(PIECE_BYTES, 'x'));
    first.attachment.drop();
    const second = await openScreen(session.client, screen.id, { clientId });
    expect(second.attachment.lastInputSeq).toBe(1 + count);
    await waitFor(() => second.taken > 0, { what: 'word of what was taken' });
    expect(second.taken).toBeLessThan(1 + count);
    await session.client.closeTerminal(screen.id);
  });

  it('that nobody reads holds nobody else up, however much a client sends, and the terminal can be ended', async () => {
    const screen = await openTerminal();
    const other = await openTerminal();
    screen.type('mkfifo shut; stty raw -echo; echo ready-$((2+2)); cat shut\r');
    await screen.awaitText('ready-4');
    const { attachment, id } = screen;
    for (let count = 2; count < 66; count += 1) {
      attachment.input(attachment.lastInputSeq + count, Buffer.alloc(PIECE_BYTES, 'x'));
    }
    other.type('echo alive-$((1+1))\r');
    await other.awaitText('alive-2');
    await session.client.closeTerminal(id);
    await waitFor(() => screen.exitCode !== undefined, { what: 'the end of the terminal' });
    other.type('echo still-$((1+1))\r');
    await other.awaitText('still-2');
  });
});
