import { createUpdateGate, updatesPerProcess } from '#api/commands/updateGate.ts';
import { isAppError } from '#shared/domain/errors.ts';

/** A call that ends when the test says so. */
function heldCall(started: string[], name: string): { call: () => Promise<string>; end: () => void } {
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const call = async (): Promise<string> => {
    started.push(name);
    await ended;
    return name;
  };
  return { call, end: () => end() };
}

/** Lets everything that can go on go on. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const later = (): number => Date.now() + 60_000;

describe('the gate of updates', () => {
  it('lets only so many through for a workflow, and the next in order when one ends', async () => {
    const gate = createUpdateGate(2);
    const started: string[] = [];
    const calls = ['a', 'b', 'c', 'd'].map((name) => heldCall(started, name));
    const passes = calls.map(({ call }) => gate.pass('review/1', later(), call));
    await turn();
    expect(started).toEqual(['a', 'b']);
    calls[1]?.end();
    await passes[1];
    await turn();
    expect(started).toEqual(['a', 'b', 'c']);
    for (const { end } of calls) end();
    expect(await Promise.all(passes)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('does not make one workflow wait for another', async () => {
    const gate = createUpdateGate(1);
    const started: string[] = [];
    const calls = ['a', 'b'].map((name) => heldCall(started, name));
    const passes = calls.map(({ call }, index) => gate.pass(`review/${index}`, later(), call));
    await turn();
    expect(started).toEqual(['a', 'b']);
    for (const { end } of calls) end();
    await Promise.all(passes);
  });

  it('refuses who waits past the deadline, without having called, and keeps the place for the next', async () => {
    const gate = createUpdateGate(1);
    const started: string[] = [];
    const [first, second, third] = ['a', 'b', 'c'].map((name) => heldCall(started, name));
    if (!first || !second || !third) throw new Error('three calls');
    const running = gate.pass('review/1', later(), first.call);
    const refused = await gate.pass('review/1', Date.now() + 5, second.call).catch((error: unknown) => error);
    expect(isAppError(refused, 'TEMPORAL_UNAVAILABLE')).toBe(true);
    const waiting = gate.pass('review/1', later(), third.call);
    first.end();
    third.end();
    expect(await Promise.all([running, waiting])).toEqual(['a', 'c']);
    expect(started).toEqual(['a', 'c']);
  });

  it('frees the place of a call that failed', async () => {
    const gate = createUpdateGate(1);
    await expect(gate.pass('review/1', later(), () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await gate.pass('review/1', later(), async () => 'next')).toBe('next');
  });

  it.each([
    [1, 10],
    [2, 5],
    [3, 3],
    [10, 1],
    [40, 1],
  ])('shares ten updates among %i processes: %i each', (replicas, each) => {
    expect(updatesPerProcess(replicas)).toBe(each);
  });
});
