import { agentKey } from '#platform/agent/agentKey.ts';

describe('the key of an agent', () => {
  const of = (secret: string, uuid: string, generation: number): string =>
    agentKey(secret, { uuid, generation }).toString('hex');

  it('is the same in every process', () => {
    expect(of('s'.repeat(32), 'a', 1)).toBe(of('s'.repeat(32), 'a', 1));
    expect(agentKey('s'.repeat(32), { uuid: 'a', generation: 1 })).toHaveLength(32);
  });

  it('differs for every secret, session and generation', () => {
    const keys = [
      of('s'.repeat(32), 'a', 1),
      of('s'.repeat(32), 'a', 2),
      of('s'.repeat(32), 'b', 1),
      of('t'.repeat(32), 'a', 1),
    ];
    expect(new Set(keys).size).toBe(4);
  });
});
