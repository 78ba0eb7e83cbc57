/**
 * Runs before `npm start` and `npm test`. Plain JavaScript on purpose: at this moment there may be no node_modules and
 * only the machine's own Node (18 or newer). It installs the packages when they are missing or differ from the lockfile,
 * and builds the agent's bundle and the web pages when their sources changed.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const inRoot = (...parts) => path.join(root, ...parts);

const BUILDS = [
  {
    name: 'the agent',
    sources: ['agent', 'shared', 'package-lock.json'],
    output: inRoot('agent', 'dist', 'agent.mjs'),
    command: ['agent/build.ts'],
  },
  {
    name: 'the web pages',
    sources: ['web', 'shared', 'package-lock.json'],
    output: inRoot('web', 'dist', 'index.html'),
    command: ['node_modules/vite/bin/vite.js', 'build', 'web', '--logLevel', 'warn'],
  },
];

/** True when every package of the lockfile is installed in its version; those of other platforms may be missing. */
function isInstalled() {
  const installedList = inRoot('node_modules', '.package-lock.json');
  if (!existsSync(installedList) || !existsSync(inRoot('node_modules', '.bin', 'node'))) return false;
  const wanted = JSON.parse(readFileSync(inRoot('package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(installedList, 'utf8')).packages;
  return Object.entries(wanted).every(([name, { version, optional, devOptional, peer }]) => {
    if (name === '' || installed[name]?.version === version) return true;
    return installed[name] === undefined && Boolean(optional || devOptional || peer);
  });
}

async function install() {
  console.log('Berth: installing packages (npm ci)');
  const npm = process.env.npm_execpath;
  const [program, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  // Without this a machine with NODE_ENV=production would leave out what builds the pages.
  await run(program, [...first, 'ci', '--include=dev', '--no-audit', '--no-fund'], { quiet: false });
}

function fingerprint(sources) {
  const hash = createHash('sha256');
  const visit = (file) => {
    const name = path.relative(root, file);
    const stat = statSync(file);
    if (!stat.isDirectory()) hash.update(`${name} ${stat.size} ${stat.mtimeMs}\n`);
    else if (!['dist', 'node_modules'].includes(path.basename(file))) {
      for (const entry of readdirSync(file).sort()) visit(path.join(file, entry));
    }
  };
  for (const source of sources) visit(inRoot(source));
  return hash.digest('hex');
}

async function build({ name, sources, output, command }) {
  const stamp = path.join(path.dirname(output), '.built-from');
  const wanted = fingerprint(sources);
  if (existsSync(output) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.log(`Berth: building ${name}`);
  await run(inRoot('node_modules', '.bin', 'node'), command, { quiet: true });
  mkdirSync(path.dirname(output), { recursive: true });
  writeFileSync(stamp, wanted);
}

/** Runs a program to its end; a quiet one is only heard when it fails. */
function run(program, args, { quiet }) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: root,
      stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
    });
    const output = [];
    child.stdout?.on('data', (chunk) => output.push(chunk));
    child.stderr?.on('data', (chunk) => output.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${program} ${args.join(' ')} ended with ${code}\n${Buffer.concat(output).toString()}`));
    });
  });
}

try {
  if (!isInstalled()) await install();
  await Promise.all(BUILDS.map(build));
} catch (error) {
  console.error(`Berth: ${error.message}`);
  process.exitCode = 1;
}
