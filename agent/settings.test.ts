import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadKey, loadSettings } from '#agent/settings.ts';

const KEY = 'ab'.repeat(32);
const inPod = {
  BERTH_AGENT_PORT: '7070',
  BERTH_AGENT_KEY_FILE: '/run/berth/key',
  BERTH_AGENT_ROOT: '/app/workspace',
  BERTH_AGENT_HOME: '/home/node',
  BERTH_AGENT_GENERATION: '3',
  BERTH_AGENT_PTY: '/opt/berth/pty.node',
  BERTH_AGENT_OWNS_PROCESSES: 'true',
  MAX_FILE_BYTES: '1000',
  MAX_SESSION_BYTES: '2000',
  MAX_SESSION_ITEMS: '10',
};

describe('the settings of an agent', () => {
  it('in a pod need no mark, for all processes there are its own', () => {
    expect(loadSettings({ ...inPod, BERTH_AGENT_VOLUME_ID: '17' })).toMatchObject({
      BERTH_AGENT_PORT: 7070,
      BERTH_AGENT_VOLUME_ID: 17,
      BERTH_AGENT_OWNS_PROCESSES: true,
    });
  });

  it.each([
    ['BERTH_AGENT_MARK', { BERTH_AGENT_OWNS_PROCESSES: 'false' }],
    ['BERTH_AGENT_VOLUME_ID', { BERTH_AGENT_VOLUME_ID: 'seventeen' }],
    ['BERTH_AGENT_GENERATION', { BERTH_AGENT_GENERATION: '0' }],
    ['BERTH_AGENT_ROOT', { BERTH_AGENT_ROOT: 'workspace' }],
    ['BERTH_AGENT_SOCKET', { BERTH_AGENT_SOCKET: '/run/agent.sock' }],
    ['BERTH_AGENT_PORT', { BERTH_AGENT_PORT: undefined }],
  ])('that are wrong are refused with the name %s', (name, wrong) => {
    expect(() => loadSettings({ ...inPod, ...wrong })).toThrow(name);
  });
});

describe('the key of an agent', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'berth-key-'));
    file = join(folder, 'key');
    writeFileSync(file, `${KEY}\n`, { mode: 0o440 });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is read, also through the link that a mounted Secret is', () => {
    symlinkSync('key', join(folder, 'link'));
    expect(loadKey(file)).toEqual(Buffer.from(KEY, 'hex'));
    expect(loadKey(join(folder, 'link'))).toEqual(Buffer.from(KEY, 'hex'));
  });

  it.each([0o460, 0o442, 0o666])('is refused with the mode %d', (mode) => {
    chmodSync(file, mode);
    expect(() => loadKey(file)).toThrow(/may be written by others .*mode [0-7]{3}.* use 440/);
  });

  it('is refused when it is empty, no key, or not there', () => {
    chmodSync(file, 0o600);
    writeFileSync(file, '\n');
    expect(() => loadKey(file)).toThrow(/is empty/);
    writeFileSync(file, KEY.slice(1));
    expect(() => loadKey(file)).toThrow(/is not 64 hexadecimal digits/);
    expect(() => loadKey(join(folder, 'none'))).toThrow(/cannot be read/);
  });

  it('is never told in an error', () => {
    chmodSync(file, 0o600);
    writeFileSync(file, `${KEY}00`);
    const told = (): string => {
      try {
        loadKey(file);
      } catch (error) {
        return String(error);
      }
      throw new Error('the key was taken');
    };
    expect(told()).not.toContain(KEY.slice(0, 8));
  });
});
