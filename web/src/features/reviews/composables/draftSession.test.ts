import { ApiError } from '../../../api/problem.ts';
import { DraftSession, type Draft, type DraftStore } from './draftSession.ts';

/** Drafts as the api keeps them: each with its revision. */
function newStore() {
  const drafts = new Map<number, Draft & { revision: number }>();
  let offline = false;
  const fail = (code: 'OFFLINE' | 'DRAFT_CHANGED') => new ApiError({ code, status: 409, title: code, detail: code });
  const store: DraftStore = {
    async create(draft) {
      if (offline) throw fail('OFFLINE');
      const id = drafts.size + 1;
      drafts.set(id, { ...draft, revision: 1 });
      return Promise.resolve({ id, revision: 1 });
    },
    async update(id, { revision, ...draft }) {
      if (offline) throw fail('OFFLINE');
      if (drafts.get(id)?.revision !== revision) throw fail('DRAFT_CHANGED');
      drafts.set(id, { ...draft, revision: revision + 1 });
      return Promise.resolve({ id, revision: revision + 1 });
    },
  };
  const texts = () => [...drafts.values()].map(({ text }) => text);
  return { store, texts, cut: (cutOff: boolean) => void (offline = cutOff) };
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

  it('saves nothing while it is empty', async () => {
    const { store, texts } = newStore();
    const session = new DraftSession(store);
    session.write({ text: '  ' });
    expect([session.state, await session.stop(), texts()]).toEqual(['empty', null, []]);
  });
});
