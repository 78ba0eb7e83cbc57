import { waitFor } from '#tests/support/waitFor.ts';
import { ApiError } from '../../../api/problem.ts';
import { DraftSession, type Draft, type DraftStore } from './draftSession.ts';

/** Drafts as the api keeps them: each with its revision. */
function newStore() {
  const drafts = new Map<number, Draft & { revision: number }>();
  let offline = false;
  let deaf = false;
  const keys = new Map<string, number>();
  const fail = (code: 'OFFLINE' | 'DRAFT_CHANGED', data = {}) =>
    new ApiError({ code, status: code === 'OFFLINE' ? 0 : 409, title: code, detail: code, data });
  const store: DraftStore = {
    async create(draft, key) {
      if (offline) throw fail('OFFLINE');
      const id = keys.get(key) ?? drafts.size + 1;
      if (!keys.has(key)) drafts.set(id, { ...draft, revision: 1 });
      keys.set(key, id);
      if (deaf) throw fail('OFFLINE');
      return Promise.resolve({ id, revision: 1 });
    },
    async update(id, { revision, ...draft }) {
      if (offline) throw fail('OFFLINE');
      const there = drafts.get(id);
      if (there?.revision !== revision) throw fail('DRAFT_CHANGED', { ...there });
      drafts.set(id, { ...draft, revision: revision + 1 });
      if (deaf) throw fail('OFFLINE');
      return Promise.resolve({ id, revision: revision + 1 });
    },
  };
  const texts = () => [...drafts.values()].map(({ text }) => text);
  return {
    store,
    texts,
    cut: (cutOff: boolean) => void (offline = cutOff),
    loseAnswers: (lost: boolean) => void (deaf = lost),
  };
}

describe('a draft while it is written', () => {
  it('is one draft, however often it is saved', async () => {
    const { store, texts } = newStore();
    const session = new DraftSession(store);
    session.write({ text: 'w' });
    expect(session.state).toBe('unsaved');
    const id = await session.flush();
    session.write({ text: 'why' });
    expect(await session.flush()).toBe(id);
    expect([session.state, texts()]).toEqual(['saved', ['why']]);
    session.end();
  });

  it('keeps both texts when two tabs write one draft', async () => {
    const { store, texts } = newStore();
    const begun = {
      ...(await store.create({ text: 'a', type: 'general' })),
      draft: { text: 'a', type: 'general' } as const,
    };
    const [first, second] = [new DraftSession(store, begun), new DraftSession(store, begun)];
    first.write({ text: 'a of the first tab' });
    second.write({ text: 'a of the second tab' });
    await first.flush();
    await second.flush();
    expect(texts()).toEqual(['a of the first tab', 'a of the second tab']);
    first.end();
    second.end();
  });

  it('keeps its text while the api does not answer, and saves it afterwards', async () => {
    const { store, texts, cut } = newStore();
    const session = new DraftSession(store);
    cut(true);
    session.write({ text: 'not lost' });
    await expect(session.flush()).rejects.toMatchObject({ code: 'OFFLINE' });
    expect([session.state, session.draft.text]).toEqual(['failed', 'not lost']);
    cut(false);
    await session.flush();
    expect([session.state, texts()]).toEqual(['saved', ['not lost']]);
    session.end();
  });

  it('is one draft although answers are lost after it was saved', async () => {
    const { store, texts, loseAnswers } = newStore();
    const session = new DraftSession(store);
    loseAnswers(true);
    for (const text of ['w', 'why']) {
      session.write({ text });
      await expect(session.flush()).rejects.toMatchObject({ code: 'OFFLINE' });
    }
    loseAnswers(false);
    await session.flush();
    expect([session.state, texts()]).toEqual(['saved', ['why']]);
    loseAnswers(true);
    for (const text of ['why so', 'why so s']) {
      session.write({ text });
      await expect(session.flush()).rejects.toMatchObject({ code: 'OFFLINE' });
    }
    loseAnswers(false);
    session.write({ text: 'why so slow' });
    await session.flush();
    expect([session.state, texts()]).toEqual(['saved', ['why so slow']]);
    session.end();
  });

  it('goes on saving when it could not be thrown away', async () => {
    const { store, texts } = newStore();
    const session = new DraftSession(store);
    session.write({ text: 'a' });
    await session.stop();
    session.resume();
    session.write({ text: 'ab' });
    expect(session.isAtRisk).toBe(true);
    await waitFor(() => session.state === 'saved', { what: 'the draft to be saved by itself' });
    expect(texts()).toEqual(['ab']);
    session.end();
  });

  it('saves nothing while it is empty', async () => {
    const { store, texts } = newStore();
    const session = new DraftSession(store);
    session.write({ text: '  ' });
    expect([session.state, await session.stop(), texts()]).toEqual(['empty', null, []]);
  });
});
