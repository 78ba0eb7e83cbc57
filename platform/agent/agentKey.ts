import { hkdfSync } from 'node:crypto';

/** The key of one session's agent in one generation, 32 bytes derived from the master secret. Another generation's key opens nothing. */
export function agentKey(secret: string, { uuid, generation }: { uuid: string; generation: number }): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'berth-agent', `agent/${uuid}/${generation}`, 32));
}
