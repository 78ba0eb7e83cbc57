import { effectScope, type EffectScope } from 'vue';
import { usePages } from './usePages.ts';

/** Numbers from the newest down, two in a page; a cursor is the last number that was given. */
function numbers(newest: number) {
  const list = { newest, slow: null as Promise<void> | null };
  const load = async (cursor?: string) => {
    const from = cursor === undefined ? list.newest : Number(cursor) - 1;
    await list.slow;
    const items = [from, from - 1].filter((number) => number > 0);
    return { items, nextCursor: from > 2 ? String(items.at(-1)) : null };
  };
  return { list, load };
}

let scope: EffectScope;
beforeEach(() => void (scope = effectScope()));
afterEach(() => scope.stop());

describe('a list in pages', () => {
  it('gives the next page when it is asked for, to its end', async () => {
    const pages = scope.run(() => usePages(numbers(5).load))!;
    await pages.reload();
    expect(pages.rows.value).toEqual([5, 4]);
    await pages.more.run();
    await pages.more.run();
    expect(pages.rows.value).toEqual([5, 4, 3, 2, 1]);
    expect(pages.hasMore.value).toBe(false);
  });

  it('stays as long as a person made it when it is loaded again', async () => {
    const { list, load } = numbers(9);
    const pages = scope.run(() => usePages(load))!;
    await pages.reload();
    await pages.more.run();
    list.newest = 10;
    await pages.reload();
    expect(pages.rows.value).toEqual([10, 9, 8, 7]);
  });

  it('has no hole and nothing twice where it was loaded again while a page was on its way', async () => {
    const { list, load } = numbers(9);
    const pages = scope.run(() => usePages(load))!;
    await pages.reload();
    const { promise, resolve } = Promise.withResolvers<void>();
    list.slow = promise;
    const more = pages.more.run();
    list.slow = null;
    list.newest = 10;
    await pages.reload();
    resolve();
    await more;
    expect(pages.rows.value).toEqual([10, 9, 8, 7]);
  });
});
