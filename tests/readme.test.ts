import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { ConfigSchema } from '#platform/config/config.ts';
import { projectFiles, ROOT } from '#tests/support/importGraph.ts';

const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');
const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(read('package.json')));
const pages = projectFiles(/\.md$/);
const blocks = (page: string): string[] =>
  [...read(page).matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
const commands = blocks('README.md').flatMap((block) => block.trim().split('\n'));

// The first block is followed word for word by start.e2e.test.ts, on a fresh clone; here the rest is checked.
describe('the README', () => {
  it('begins with the two commands', () => {
    expect(blocks('README.md')[0]).toMatch(/^git clone <[a-z ]+> berth && cd berth\nnpm start\n$/);
  });

  it('has only commands that the shell can read', () => {
    for (const block of [...blocks('README.md'), ...blocks('CONTRIBUTING.md')]) {
      expect(() => execFileSync('bash', ['-n'], { input: block.replaceAll('…', '1') })).not.toThrow();
    }
  });

  it('sets only variables that exist', () => {
    const names = commands.flatMap((line) => [...line.matchAll(/\b([A-Z][A-Z_]+)=/g)].map((match) => match[1] ?? ''));
    expect(names.length).toBeGreaterThan(4);
    expect(names.filter((name) => !(name in ConfigSchema.shape) && name !== 'POSTGRES_PASSWORD')).toEqual([]);
  });

  it.each(['README.md', 'CONTRIBUTING.md'])('names only scripts that exist: %s', (page) => {
    const named = [...read(page).matchAll(/npm (?:run )?(start|test|[a-z]+(?::[a-z0-9]+)*)\b/g)].map(
      (match) => match[1],
    );
    const ownWords = new Set(['run', 'ci']);
    expect(named.filter((name) => name !== undefined && !ownWords.has(name) && !(name in scripts))).toEqual([]);
  });

  it('runs its look at the machine', () => {
    const node = path.join(ROOT, 'node_modules', '.bin', 'node');
    const { stdout } = spawnSync(node, ['cli/main.ts', 'doctor'], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
    });
    expect(stdout.trim().split('\n')).toHaveLength(7);
    expect(stdout).toMatch(/^ok {4}configuration/m);
  }, 120_000);

  it('shows a picture that is there', () => {
    const pictures = [...read('README.md').matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map((match) => match[1] ?? '');
    expect(pictures.length).toBeGreaterThan(0);
    expect(pictures.filter((picture) => !existsSync(path.join(ROOT, picture)))).toEqual([]);
  });
});

describe('the pages of documentation', () => {
  it.each(pages)('link only to what is there: %s', (page) => {
    // A pattern in a code span may look like a link.
    const text = read(page).replaceAll(/`[^`\n]*`/g, 'code');
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? '');
    const missing = links.filter((link) => !existsSync(path.join(ROOT, path.dirname(page), link)));
    expect(missing).toEqual([]);
  });
});
