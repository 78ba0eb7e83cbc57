import { z } from 'zod';
import { kubectl } from '#tests/support/kubectl.ts';

/** What docs/operations.md tells operators to set; a node that does not let itself be asked is held to it. */
const USUAL_LIMIT = 256;

const KubeletSchema = z.object({ kubeletconfig: z.object({ podPidsLimit: z.number() }) });

/** How many processes a pod of the cluster may have at most, by its nodes' `podPidsLimit`; null where one sets none. */
export async function processLimit(): Promise<number | null> {
  const nodes = (await kubectl(['get', 'nodes', '-o', 'name'])).trim().split('\n');
  const limits = await Promise.all(nodes.map((node) => limitOf(node.replace('node/', ''))));
  return limits.some((one) => one <= 0) ? null : Math.max(...limits);
}

async function limitOf(node: string): Promise<number> {
  // An API server hands on nothing to a node on loopback.
  const answer = await kubectl(['get', '--raw', `/api/v1/nodes/${node}/proxy/configz`]).catch(() => null);
  return answer === null ? USUAL_LIMIT : KubeletSchema.parse(JSON.parse(answer)).kubeletconfig.podPidsLimit;
}
