import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildAgent } from '#agent/build.ts';
import { runProgram } from '#tests/support/childProcess.ts';

describe('an agent that cannot start', () => {
  let folder: string;
  let environment: Record<string, string | undefined>;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'berth-agent-'));
    environment = {
      PATH: process.env['PATH'],
      BERTH_AGENT_PORT: '0',
      BERTH_AGENT_KEY_FILE: join(folder, 'key'),
      BERTH_AGENT_ROOT: folder,
      BERTH_AGENT_HOME: folder,
      BERTH_AGENT_GENERATION: '1',
      BERTH_AGENT_PTY: join(folder, 'pty.node'),
      BERTH_AGENT_OWNS_PROCESSES: 'true',
      MAX_FILE_BYTES: '1000',
      MAX_SESSION_BYTES: '2000',
      MAX_SESSION_ITEMS: '10',
    };
    writeFileSync(join(folder, 'key'), 'ab'.repeat(32), { mode: 0o440 });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function lastWords(wrong: Record<string, string>): Promise<{ code: number | null; said: string }> {
    const program = runProgram(process.execPath, {
      args: [await buildAgent()],
      environment: { ...environment, ...wrong },
    });
    return { code: await program.ended(), said: program.output() };
  }

  it('says which setting is wrong, and nothing else', async () => {
    const { code, said } = await lastWords({ BERTH_AGENT_GENERATION: 'third' });
    expect(said).toMatch(/^The agent's settings are not valid:\n.* expected number.*\n.*BERTH_AGENT_GENERATION\n$/);
    expect(code).toBe(1);
  });

  it('says what is wrong with its key, and nothing else', async () => {
    chmodSync(join(folder, 'key'), 0o600);
    writeFileSync(join(folder, 'key'), 'no key');
    const { code, said } = await lastWords({});
    expect(said).toBe(`The key in ${join(folder, 'key')} is not 64 hexadecimal digits.\n`);
    expect(code).toBe(1);
  });

  it('says that the key file is not there, and nothing else', async () => {
    const { code, said } = await lastWords({ BERTH_AGENT_KEY_FILE: join(folder, 'none') });
    expect(said).toBe(`The key file ${join(folder, 'none')} cannot be read.\n`);
    expect(code).toBe(1);
  });
});
