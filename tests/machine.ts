import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** A program of the machine that some tests need. */
interface Need {
  name: string;
  package: string;
  programs: string[];
  /** What is skipped without it. */
  skipped: string;
}

const NEEDS: Need[] = [
  {
    name: 'Chromium',
    package: 'chromium',
    programs: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'],
    skipped: 'the browser tests',
  },
  { name: 'bubblewrap', package: 'bubblewrap', programs: ['/usr/bin/bwrap'], skipped: 'the tests of the sandbox' },
];

/** Installs what the tests need through apt, as root on Debian; resolves with a sentence for each thing that stays missing. */
export function prepareMachine(): string[] {
  const missing = NEEDS.filter((need) => !isThere(need));
  if (missing.length > 0 && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log(`Installing ${missing.map((need) => need.package).join(' and ')} through apt`);
    const quiet = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
    spawnSync('apt-get', ['update', '-qq'], quiet);
    spawnSync(
      'apt-get',
      ['install', '-y', '-qq', '--no-install-recommends', ...missing.map((need) => need.package)],
      quiet,
    );
  }
  return [
    ...NEEDS.filter((need) => !isThere(need)).map(
      (need) => `${need.skipped}: ${need.name} is not installed (root on Debian: apt-get install ${need.package})`,
    ),
    ...clusterNote(),
  ];
}

/** The browser that the tests drive, null where there is none. */
export function chromium(): string | null {
  return NEEDS[0]?.programs.find((program) => existsSync(program)) ?? null;
}

function isThere(need: Need): boolean {
  return need.programs.some((program) => existsSync(program));
}

/** True when the tests were given a cluster. */
export function hasCluster(): boolean {
  return (process.env['KUBECONFIG'] ?? '') !== '';
}

function clusterNote(): string[] {
  return hasCluster() ? [] : ['the tests on a Kubernetes cluster: KUBECONFIG is not set'];
}

/** The commit that is tested, with a plus when files differ from it; `unknown` outside of git. */
export function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : '+'}`;
  } catch {
    // A copy without its history, as in an image.
    return 'unknown';
  }
}
