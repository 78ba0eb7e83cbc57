import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = ['workflows', 'shared/domain'];
/** Where an image brings the bundle that was made with it. */
const PREBUILT = path.join(ROOT, 'workers', 'dist');

/**
 * Bundles the workflows once for their present content and answers the bundle's path in `folder`. One that was made with
 * the installation, for this very content, is taken as it is.
 */
export async function bundleWorkflows(folder: string): Promise<string> {
  const name = `workflows-${await contentHash()}.js`;
  const prebuilt = path.join(PREBUILT, name);
  if (await exists(prebuilt)) return prebuilt;
  const file = path.join(folder, name);
  if (await exists(file)) return file;
  // Loaded only when there is something to bundle.
  const { bundleWorkflowCode } = await import('@temporalio/worker');
  const { code } = await bundleWorkflowCode({
    workflowsPath: path.join(ROOT, 'workflows', 'index.ts'),
    logger: silent,
  });
  await mkdir(folder, { recursive: true });
  // Somebody else may be at the same, in this process or another: a half-written bundle must never be seen under its name.
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, code);
  await rename(draft, file);
  await removeOlder(folder, path.basename(file));
  return file;
}

/** Hashes whatever the bundle is made from. */
async function contentHash(): Promise<string> {
  const hash = createHash('sha256');
  hash.update(createRequire(import.meta.url).resolve('@temporalio/workflow'));
  hash.update(await readFile(path.join(ROOT, 'package.json')));
  for (const source of SOURCES) {
    const files = await readdir(path.join(ROOT, source), { recursive: true });
    for (const file of files.filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts')).sort()) {
      hash.update(`\0${source}/${file}\0`);
      hash.update(await readFile(path.join(ROOT, source, file)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

/** Bundles of former contents are of no use; the last few stay for a process that starts right now. */
async function removeOlder(folder: string, keep: string): Promise<void> {
  const bundles = (await readdir(folder)).filter((name) => /^workflows-[0-9a-f]+\.js$/.test(name) && name !== keep);
  const dated = await Promise.all(
    bundles.map(async (name) => ({ name, at: (await stat(path.join(folder, name))).mtimeMs })),
  );
  for (const { name } of dated.sort((left, right) => right.at - left.at).slice(3)) {
    await rm(path.join(folder, name), { force: true });
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile();
  } catch {
    return false; // Not there, or not to be read: it is made anew.
  }
}

// The bundler tells its progress line by line; a failure is thrown with its reason anyway.
const silent = {
  log: () => undefined,
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(`${await bundleWorkflows(PREBUILT)}\n`);
