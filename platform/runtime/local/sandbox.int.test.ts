import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** An account that exists everywhere and owns nothing. */
const ORDINARY_USER = 65_534;
const PROBE = fileURLToPath(new URL('../../../tests/support/probeSandbox.ts', import.meta.url));

interface Probe {
  name: string;
  /** Absent: the user who runs the tests. */
  user?: number;
}

/** What a program in a session could do, as its shell printed it. */
async function probe({ user }: Probe): Promise<{ printed: string; secrets: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-sandbox-'));
  const secretFile = join(folder, 'of-berth.txt');
  writeFileSync(secretFile, 'secret-of-berth');
  chmodSync(folder, 0o755);
  if (user !== undefined) chownSync(folder, user, user);
  const child = spawn(process.execPath, [PROBE], {
    cwd: '/',
    ...(user === undefined ? {} : { uid: user, gid: user }),
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      BERTH_SECRET: 'a-master-secret-of-more-than-32-characters',
      BERTH_SANDBOX: 'bubblewrap',
      BERTH_DATA_DIR: join(folder, 'data'),
      SECRET_FILE: secretFile,
    },
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  rmSync(folder, { recursive: true, force: true });
  if (code !== 0) throw new Error(`The probe ended with ${String(code)}: ${printed}`);
  return { printed, secrets: ['secret-of-berth', 'secret-of-neighbour', 'root:$', 'a-master-secret'] };
}

const isRoot = process.getuid?.() === 0;
const probes: Probe[] = isRoot
  ? [{ name: 'root' }, { name: 'an ordinary user', user: ORDINARY_USER }]
  : [{ name: 'an ordinary user' }];

describe.each(probes)('a sandbox that $name has started', (which) => {
  let printed: string;
  let secrets: string[];

  beforeAll(async () => {
    ({ printed, secrets } = await probe(which));
  }, 90_000);

  it('shows the session its own files and lets it run programs', () => {
    expect(printed).toContain('own: own-bytes');
    expect(printed).toContain('python: 42');
  });

  it('runs as nobody of this machine', () => {
    expect(printed).toMatch(/uid=65532\(workspace\) gid=65532\(workspace\) groups=65532\(workspace\)/);
  });

  it.each([
    'shadow',
    'neighbour',
    'berth',
    'data folder',
    'shadow by pid 1',
    'shadow by the folder of pid 1',
    'root home',
  ])('hides: %s', (what) => {
    expect(printed).toContain(`${what}: denied`);
    expect(printed).not.toContain(`${what}: readable`);
  });

  it('prints none of the secrets', () => {
    for (const secret of secrets) expect(printed).not.toContain(secret);
  });

  it.each(['usr', 'etc', 'bundle', 'root folder'])('lets nobody write: %s', (what) => {
    expect(printed).toContain(`write ${what}: denied`);
  });

  it('shows no process but its own, and no network', () => {
    const processes = Number(/processes: (\d+)/.exec(printed)?.[1]);
    expect(processes).toBeGreaterThan(0);
    expect(processes).toBeLessThan(12);
    expect(printed).toContain('interfaces: lo');
  });

  it('has no capability and cannot gain one', () => {
    expect(printed).toContain('CapEff: 0000000000000000');
    expect(printed).toContain('NoNewPrivs: 1');
  });
});

it('is what these tests are about: the host itself can read its shadow file as root', () => {
  if (!isRoot) return;
  expect(execFileSync('cat', ['/etc/shadow'], { encoding: 'utf8' })).toContain('root:');
});
