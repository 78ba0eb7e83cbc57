import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentRequest } from '#shared/contracts/agentProtocol.ts';
import type { Channel } from '#shared/domain/channel.ts';
import { FrameQueue } from '#shared/domain/frameQueue.ts';
import { Multiplexer } from '#shared/domain/multiplexer.ts';
import { answerRequest } from '#agent/protocol/requests.ts';
import { createAgentSession, type AgentSession } from '#agent/session.ts';
import { loadSettings } from '#agent/settings.ts';
import { writing } from '#tests/support/agentChanges.ts';

let folder: string;
let home: string;
let session: AgentSession;
let caller: Multiplexer;
const hello = {
  protocol: 1,
  generation: 1,
  takesUndigested: true,
  takesMovedFrom: true,
  takesUntyped: true,
  takesInputTaken: true,
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'berth-requests-'));
  home = mkdtempSync(join(tmpdir(), 'berth-home-'));
  const wrapper = createRequire(createRequire(import.meta.url).resolve('@lydell/node-pty'));
  session = await createAgentSession(
    loadSettings({
      BERTH_AGENT_PORT: '0',
      BERTH_AGENT_KEY_FILE: '-',
      BERTH_AGENT_ROOT: folder,
      BERTH_AGENT_HOME: home,
      BERTH_AGENT_GENERATION: '1',
      BERTH_AGENT_PTY: wrapper.resolve(`@lydell/node-pty-${process.platform}-${process.arch}/pty.node`),
      BERTH_AGENT_MARK: 'a-test-of-requests',
      MAX_FILE_BYTES: '100000',
      MAX_SESSION_BYTES: '1000000',
      MAX_SESSION_ITEMS: '100',
    }),
  );
  const agent = new Multiplexer({
    write: (bytes) => setImmediate(() => caller.receive(bytes)),
    hello: () => undefined,
    opened: (channel, request) => answerRequest({ session, caller: hello }, channel, request),
  });
  caller = new Multiplexer({
    write: (bytes) => setImmediate(() => agent.receive(bytes)),
    hello: () => undefined,
  });
});
afterEach(() => [folder, home].forEach((made) => rmSync(made, { recursive: true })));

function open(request: AgentRequest): { channel: Channel; answers: FrameQueue } {
  const answers = new FrameQueue();
  const channel = caller.open(request, answers);
  answers.attach(channel);
  return { channel, answers };
}

async function take(answers: FrameQueue): Promise<unknown[]> {
  const messages: unknown[] = [];
  for await (const part of answers) messages.push('message' in part ? part.message : part);
  return messages;
}

/** Opens an apply and sends a small write: its head, and its bytes only if asked to. */
function write(path: string, { syncEpoch, whole }: { syncEpoch: number; whole: boolean }): ReturnType<typeof open> {
  const opened = open({ kind: 'apply', syncEpoch, bulk: false });
  const { bytes, ...head } = writing(path, 'x') as Extract<ReturnType<typeof writing>, { op: 'write' }>;
  opened.channel.post({ ...head, size: bytes.byteLength });
  if (whole) void opened.channel.sendData(bytes).then(() => opened.channel.end());
  return opened;
}

describe('changes of a reconcile', () => {
  it('that has been overtaken while they waited for their turn do nothing', async () => {
    const slow = write('slow.txt', { syncEpoch: 10, whole: false });
    const late = write('late.txt', { syncEpoch: 10, whole: true });
    const manifest = open({ kind: 'manifest', syncEpoch: 20 });
    manifest.channel.end();
    await take(manifest.answers);
    slow.channel.close();
    await expect(take(late.answers)).rejects.toMatchObject({ code: 'STALE_GENERATION' });
    expect(existsSync(join(folder, 'late.txt'))).toBe(false);
  });
});

describe('a manifest', () => {
  it('says where something was before, to callers who take that', async () => {
    const scan = async (): Promise<unknown> => {
      const manifest = open({ kind: 'manifest', syncEpoch: 30 });
      manifest.channel.post({ paths: ['old.txt'] });
      manifest.channel.end();
      const [first] = await take(manifest.answers);
      return first;
    };
    writeFileSync(join(folder, 'old.txt'), 'x');
    await scan();
    renameSync(join(folder, 'old.txt'), join(folder, 'new.txt'));
    expect(await scan()).toMatchObject({ entries: [{ path: 'new.txt', movedFrom: 'old.txt' }] });
    hello.takesMovedFrom = false;
    expect(JSON.stringify(await scan())).not.toContain('movedFrom');
  });
});
