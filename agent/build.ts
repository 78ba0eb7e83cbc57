import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The bundled agent: one file that needs nothing but Node and the native module of pseudo-terminals. */
export const AGENT_BUNDLE = join(ROOT, 'agent/dist/agent.mjs');

/** Builds the bundle unless it is newer than everything that it is made from. Resolves with its path. */
export async function buildAgent(): Promise<string> {
  if (isFresh()) return AGENT_BUNDLE;
  mkdirSync(dirname(AGENT_BUNDLE), { recursive: true });
  // Loaded only when there is something to build: every process that starts asks.
  const { build } = await import('esbuild');
  // Two processes may build at once: each writes its own file, and the last rename wins whole.
  const outfile = `${AGENT_BUNDLE}.${process.pid}`;
  await build({
    entryPoints: [join(ROOT, 'agent/main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  renameSync(outfile, AGENT_BUNDLE);
  return AGENT_BUNDLE;
}

function isFresh(): boolean {
  const built = statSync(AGENT_BUNDLE, { throwIfNoEntry: false });
  if (built === undefined) return false;
  const sources = [...filesBelow(join(ROOT, 'agent')), ...filesBelow(join(ROOT, 'shared')), join(ROOT, 'package.json')];
  return sources.every((file) => statSync(file).mtimeMs < built.mtimeMs);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await buildAgent());
