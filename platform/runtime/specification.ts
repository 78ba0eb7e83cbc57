import { createHash } from 'node:crypto';
import { agentKey } from '#platform/agent/agentKey.ts';

/** No session has this uuid: its key opens no agent. */
const NO_SESSION = '00000000-0000-0000-0000-000000000000';

/**
 * Names what pods are made from, in 64 hexadecimal digits: another value means that a pod of before is not the one that
 * would be made now. `madeFrom` is everything that goes into a pod but its own names. The master secret counts too, for
 * the agent of a pod under another secret cannot be reached; nothing about it can be learned from the name.
 */
export function specificationOf(secret: string, madeFrom: unknown): string {
  return createHash('sha256')
    .update(agentKey(secret, { uuid: NO_SESSION, generation: 0 }))
    .update(JSON.stringify(madeFrom))
    .digest('hex');
}
