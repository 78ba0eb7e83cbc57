import { fstatSync, openSync, readFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { z } from 'zod';

const absolute = z.string().refine(isAbsolute, { message: 'must be an absolute path' });
const count = z.coerce.number().int();
const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((value) => value === 'true');

const AgentEnvironment = z
  .object({
    BERTH_AGENT_SOCKET: absolute.optional().describe('The Unix socket to listen on.'),
    BERTH_AGENT_PORT: count.min(0).max(65_535).optional().describe('The TCP port to listen on, instead of a socket.'),
    BERTH_AGENT_KEY_FILE: z.string().min(1).describe('The file with the key in hexadecimal; - is standard input.'),
    BERTH_AGENT_ROOT: absolute.describe('The folder of the workspace.'),
    BERTH_AGENT_HOME: absolute.describe('The home folder of the terminals.'),
    BERTH_AGENT_HOME_TEMPLATE: absolute
      .optional()
      .describe('A folder whose files are put into the home folder where they are missing.'),
    BERTH_AGENT_VOLUME_ID: count
      .min(1)
      .optional()
      .describe('Which volume this is; written to its sentinel file while the volume is empty.'),
    BERTH_AGENT_GENERATION: count.min(1).describe('Which opening of the session this agent serves.'),
    BERTH_AGENT_PTY: absolute.describe('The native module that makes pseudo-terminals.'),
    BERTH_AGENT_DROP_TO: count.min(1).optional().describe('The user and group id to become before anything is opened.'),
    BERTH_AGENT_OWNS_PROCESSES: flag.describe('True when every process that the agent can see belongs to the session.'),
    BERTH_AGENT_MARK: z
      .string()
      .min(8)
      .optional()
      .describe('A value that all processes of this pod carry in BERTH_POD, so that they can be told from others.'),
    MAX_FILE_BYTES: count.min(1),
    MAX_SESSION_BYTES: count.min(1),
    MAX_SESSION_ITEMS: count.min(1),
  })
  .refine((value) => (value.BERTH_AGENT_SOCKET === undefined) !== (value.BERTH_AGENT_PORT === undefined), {
    message: 'set one of BERTH_AGENT_SOCKET and BERTH_AGENT_PORT',
  })
  .refine((value) => value.BERTH_AGENT_OWNS_PROCESSES || value.BERTH_AGENT_MARK !== undefined, {
    message: 'set BERTH_AGENT_MARK, or BERTH_AGENT_OWNS_PROCESSES=true where nobody else has processes',
  });

/** What the agent was started with. */
export type AgentSettings = z.infer<typeof AgentEnvironment>;

/** Checks the environment. Throws an error that names what is wrong. */
export function loadSettings(environment: Record<string, string | undefined>): AgentSettings {
  const result = AgentEnvironment.safeParse(environment);
  if (!result.success) throw new Error(`The agent's settings are not valid:\n${z.prettifyError(result.error)}`);
  return result.data;
}

/** Who else may write to a file. */
const OTHERS_MAY_WRITE = 0o022;

/**
 * Reads the key. From standard input an empty key means that the starter died before it could give it. Throws when the
 * file is not there, holds no key, or could have been written by somebody else than its owner.
 */
export function loadKey(file: string): Buffer {
  const descriptor = file === '-' ? 0 : openKeyFile(file);
  const text = readFileSync(descriptor, 'utf8').trim();
  if (text === '') throw new Error(`The key in ${nameOf(file)} is empty.`);
  if (!/^[0-9a-f]{64}$/.test(text)) throw new Error(`The key in ${nameOf(file)} is not 64 hexadecimal digits.`);
  return Buffer.from(text, 'hex');
}

function openKeyFile(file: string): number {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (cause) {
    throw new Error(`The key file ${file} cannot be read.`, { cause });
  }
  const { mode } = fstatSync(descriptor);
  if ((mode & OTHERS_MAY_WRITE) === 0) return descriptor;
  // Whoever can write the key can pose as the control plane.
  const octal = (mode & 0o777).toString(8);
  throw new Error(`The key file ${file} may be written by others than its owner (mode ${octal}); use 440 or less.`);
}

function nameOf(file: string): string {
  return file === '-' ? 'standard input' : file;
}

/** Gives up root for good. Must come before the first connection is answered; throws when it did not work. */
export function dropPrivileges(id: number): void {
  process.setgroups?.([]);
  process.setgid?.(id);
  process.setuid?.(id);
  if (process.getuid?.() !== id || process.getgid?.() !== id) throw new Error('The agent could not give up root.');
}
