import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, closeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { kubectl } from '#tests/support/kubectl.ts';
import { ROOT } from '#tests/support/importGraph.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const execute = promisify(execFile);

/** A build from nothing installs packages; on a busy machine that takes minutes. */
const BUILD_MS = 15 * 60_000;
/** A node tells its images with its state, some seconds after it got them. */
const TOLD_AFTER_MS = 60_000;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** An image of this repository. */
interface Image {
  name: string;
  dockerfile: string;
  /** What it is made from, relative to the root: files and folders. */
  sources: string[];
}

const PACKAGE_FILES = ['package.json', 'package-lock.json', '.npmrc', '.dockerignore'];
const WORKSPACE: Image = {
  name: 'berth-workspace',
  dockerfile: 'k8s/images/workspace/Dockerfile',
  sources: [...PACKAGE_FILES, 'k8s/images/workspace', 'agent', 'shared'],
};

/**
 * The image of session pods, present on the cluster's nodes. Built by the program in BERTH_BUILD_IMAGE, once for its
 * content: the tag is a digest of everything that it is made from. Rejects when that program is not given or fails.
 */
export async function workspaceImage(): Promise<string> {
  return provide(WORKSPACE);
}

/**
 * Why `workspaceImage` would reject: it is not on the nodes, and nothing can build it. Null when it would not, and when
 * the cluster does not answer, which the tests themselves tell better.
 */
export async function whyNoWorkspaceImage(): Promise<string | null> {
  if (buildProgram() !== null) return null;
  const name = nameOf(WORKSPACE);
  return (await isThere(name).catch(() => true)) ? null : missingImage(name);
}

/** The image of api, worker and migrations; as `workspaceImage`. */
export async function serverImage(): Promise<string> {
  return provide({ name: 'berth', dockerfile: 'Dockerfile', sources: readdirSync(ROOT) });
}

const provided = new Map<string, Promise<string>>();

async function provide(image: Image): Promise<string> {
  const known = provided.get(image.name);
  if (known !== undefined) return known;
  const providing = buildUnlessThere(image);
  provided.set(image.name, providing);
  return providing;
}

async function buildUnlessThere(image: Image): Promise<string> {
  const name = nameOf(image);
  return withLock(path.join(tmpdir(), `berth-build-${image.name}.lock`), async () => {
    if (!(await isThere(name))) {
      await build(name, image);
      remember(await noteOf(name));
    }
    return name;
  });
}

/** Its tag is a digest of everything that it is made from. */
function nameOf(image: Image): string {
  return `${image.name}:${digestOf(image)}`;
}

function buildProgram(): string | null {
  return process.env['BERTH_BUILD_IMAGE'] || null;
}

function missingImage(name: string): string {
  return (
    `The cluster does not have the image ${name}, and BERTH_BUILD_IMAGE is not set. Set it to a program that builds an ` +
    'image and gives it to the nodes: NAME:TAG CONTEXT [-f DOCKERFILE]. k8s/images/README.md has one for kind.'
  );
}

async function build(name: string, { dockerfile }: Image): Promise<void> {
  const program = buildProgram();
  if (program === null) throw new Error(missingImage(name));
  await execute(program, [name, ROOT, '-f', path.join(ROOT, dockerfile)], {
    timeout: BUILD_MS,
    maxBuffer: MAX_OUTPUT_BYTES,
  });
}

/** An image that lost its tags has null for its names. */
const NamesSchema = z
  .array(z.string())
  .nullish()
  .transform((names) => names ?? []);

const NodesSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ uid: z.string() }),
      status: z.object({ images: z.array(z.object({ names: NamesSchema })).default([]) }),
    }),
  ),
});

/** Asked of the nodes themselves: a cluster that was made anew has none of the images of its predecessor. */
async function isThere(name: string): Promise<boolean> {
  const { items } = NodesSchema.parse(JSON.parse(await kubectl(['get', 'nodes', '-o', 'json'])));
  const has = items.map(({ status }) => status.images.some(({ names }) => names.some((one) => isName(one, name))));
  if (has.every(Boolean)) return true;
  return isRemembered(await noteOf(name));
}

function isName(full: string, name: string): boolean {
  return full === name || full.endsWith(`/${name}`);
}

/** A note of a build for these very nodes, by their uids. */
async function noteOf(name: string): Promise<string> {
  const { items } = NodesSchema.parse(JSON.parse(await kubectl(['get', 'nodes', '-o', 'json'])));
  const nodes = items.map(({ metadata }) => metadata.uid).sort();
  const digest = createHash('sha256')
    .update([name, ...nodes].join('\0'))
    .digest('hex')
    .slice(0, 32);
  return path.join(tmpdir(), `berth-image-${digest}`);
}

function remember(note: string): void {
  writeFileSync(note, '');
}

function isRemembered(note: string): boolean {
  const stat = lstatSync(note, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs < TOLD_AFTER_MS;
}

/** Hashes what goes into the image: names, modes and bytes. Tests and what is built are no part of it. */
function digestOf({ sources, dockerfile }: Image): string {
  const hash = createHash('sha256').update(dockerfile);
  const excluded = readExcluded();
  const visit = (name: string): void => {
    if (excluded(name)) return;
    const stat = lstatSync(path.join(ROOT, name));
    if (stat.isDirectory()) for (const entry of readdirSync(path.join(ROOT, name)).sort()) visit(`${name}/${entry}`);
    else if (stat.isFile()) {
      hash.update(`\0${name}\0${String(stat.mode & 0o111)}\0${String(stat.size)}\0`);
      hash.update(readFileSync(path.join(ROOT, name)));
    }
  };
  for (const source of sources.toSorted()) visit(source);
  return hash.digest('hex').slice(0, 16);
}

/** The two kinds of patterns in .dockerignore: a path from the root, and the ending of a name anywhere. */
function readExcluded(): (name: string) => boolean {
  const patterns = readFileSync(path.join(ROOT, '.dockerignore'), 'utf8').split('\n').filter(Boolean);
  const endings = patterns.filter((one) => one.startsWith('**/*')).map((one) => one.slice('**/*'.length));
  const paths = patterns.filter((one) => !one.includes('*'));
  const unknown = patterns.find((one) => one.includes('*') && !one.startsWith('**/*'));
  if (unknown !== undefined) throw new Error(`.dockerignore has a pattern that the tests do not know: ${unknown}`);
  return (name) => paths.includes(name) || endings.some((ending) => name.endsWith(ending));
}

/** One build at a time on this machine; the lock of a process that was killed is taken over. */
async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  await waitFor(() => takeLock(file), { deadlineMs: BUILD_MS, what: `the lock ${file}` });
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function takeLock(file: string): boolean {
  try {
    const descriptor = openSync(file, 'wx');
    writeFileSync(descriptor, String(process.pid));
    closeSync(descriptor);
    return true;
  } catch {
    removeStaleLock(file);
    return false;
  }
}

function removeStaleLock(file: string): void {
  const holder = Number(readFileSync(file, 'utf8'));
  // Empty: its holder is just writing.
  if (holder === 0) return;
  try {
    process.kill(holder, 0);
  } catch {
    rmSync(file, { force: true });
  }
}
