import { lastName } from '#shared/domain/paths.ts';

/** What a run carries out, as its receipt shows it. Values of the environment and the standard input are not in it. */
export interface RunCommand {
  /** A line for the shell, null for a file. */
  line: string | null;
  /** The file that was asked for, relative to the session's root, null for a line. */
  file: string | null;
  arguments: string[];
  argv: string[];
  /** Where it begins, relative to the session's root; empty for the root. */
  folder: string;
  /** Names of the variables that were added. */
  environment: string[];
  stdinBytes: number;
}

/** The values that a run needs and its receipt does not keep. */
export interface RunInput {
  stdin: string;
  environment: Record<string, string>;
}

/** Compiles into a folder of its own, runs what came of it, and leaves nothing behind. */
function compiled(compiler: string): string[] {
  const script = `folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
${compiler} -o "$folder/program" "$0" || exit
"$folder/program" "$@"`;
  return ['/bin/sh', '-c', script];
}

const BY_ENDING: Readonly<Record<string, string[]>> = {
  py: ['python3'],
  js: ['node'],
  mjs: ['node'],
  cjs: ['node'],
  // Node strips the types.
  ts: ['node'],
  mts: ['node'],
  cts: ['node'],
  sh: ['/bin/sh'],
  bash: ['bash'],
  pl: ['perl'],
  c: compiled('gcc -Wall'),
  cc: compiled('g++ -Wall'),
  cpp: compiled('g++ -Wall'),
  cxx: compiled('g++ -Wall'),
};

const BY_LANGUAGE: Readonly<Record<string, string[]>> = {
  python: ['python3'],
  javascript: ['node'],
  typescript: ['node'],
};

/** Endings of files that can be run, for people to read. */
export const RUNNABLE_ENDINGS = Object.keys(BY_ENDING).map((ending) => `.${ending}`);

/** A file as asked for. */
export interface RunnableFile {
  /** Relative to the session's root. */
  path: string;
  /** Where the program begins, relative to the session's root; empty for the root. */
  folder: string;
  arguments: string[];
  /** The session's language: it tells how to run a file without an ending. */
  language: string;
  /** A program by itself, whatever it is written in. */
  executable: boolean;
}

/** The program and its arguments that run a file: by its ending, as a program of its own, or by the session's language; null when nothing is known. */
export function argvOfFile(file: RunnableFile): string[] | null {
  const name = lastName(file.path);
  const dot = name.lastIndexOf('.');
  const ending = dot > 0 ? name.slice(dot + 1).toLowerCase() : '';
  const path = relativePath(file.folder, file.path);
  if (Object.hasOwn(BY_ENDING, ending)) return [...(BY_ENDING[ending] ?? []), path, ...file.arguments];
  if (file.executable) return [path, ...file.arguments];
  if (ending === '' && Object.hasOwn(BY_LANGUAGE, file.language)) {
    return [...(BY_LANGUAGE[file.language] ?? []), path, ...file.arguments];
  }
  return null;
}

/** The way from a folder to a path, both relative to the same root. It never begins with a dash, which would be an option. */
function relativePath(folder: string, path: string): string {
  const from = folder === '' ? [] : folder.split('/');
  const to = path.split('/');
  let common = 0;
  while (common < from.length && common < to.length - 1 && from[common] === to[common]) common += 1;
  const up = from.slice(common).map(() => '..');
  const way = [...up, ...to.slice(common)].join('/');
  return up.length > 0 ? way : `./${way}`;
}
