import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/**
 * Runs kubectl against the cluster of KUBECONFIG, with a document on its standard input when one is given, and resolves
 * with what it prints. Rejects with what it says when it fails.
 */
export async function kubectl(args: string[], document?: string | object): Promise<string> {
  const running = execute('kubectl', args, { maxBuffer: 64 * 1024 * 1024 });
  if (document !== undefined) {
    running.child.stdin?.end(typeof document === 'string' ? document : JSON.stringify(document));
  }
  return (await running).stdout;
}
