import { Turns } from '#shared/domain/turns.ts';

/** Work that says when it begins and ends when it is told to. */
function createWork(turns: Turns, begun: string[]) {
  return (name: string, signal = new AbortController().signal) => {
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const done = turns.take(signal, () => {
      begun.push(name);
      return ended;
    });
    return { done, end };
  };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('turns', () => {
  it('let so many work at once, and the others in the order in which they came', async () => {
    const begun: string[] = [];
    const work = createWork(new Turns(2), begun);
    const [first, second, third, fourth] = [work('1'), work('2'), work('3'), work('4')];
    await settled();
    expect(begun).toEqual(['1', '2']);
    second.end();
    await second.done;
    await settled();
    expect(begun).toEqual(['1', '2', '3']);
    for (const { end, done } of [first, third, fourth]) {
      end();
      await done;
    }
    expect(begun).toEqual(['1', '2', '3', '4']);
  });

  it('are given back by what fails, and not taken by who went away while waiting', async () => {
    const begun: string[] = [];
    const turns = new Turns(1);
    const work = createWork(turns, begun);
    const first = work('1');
    const leaving = new AbortController();
    const gone = work('gone', leaving.signal);
    const failing = turns.take(new AbortController().signal, () => Promise.reject(new Error('it failed')));
    const last = work('last');
    leaving.abort(new Error('went away'));
    await expect(gone.done).rejects.toThrow('went away');
    first.end();
    await expect(failing).rejects.toThrow('it failed');
    last.end();
    await last.done;
    expect(begun).toEqual(['1', 'last']);
    await expect(turns.take(leaving.signal, () => Promise.resolve())).rejects.toThrow('went away');
  });
});
