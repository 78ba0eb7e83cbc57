import { setTimeout as delay } from 'node:timers/promises';
import type { HttpPerson } from '#tests/e2e/httpPerson.ts';
import { printLimit, printTimes } from '#tests/bench/figures.ts';
import type { Typist } from '#tests/support/typist.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const FILES = 20;
const APART_MS = 2_500;
/** Each by itself, so that no word about the one before is still to come. */
const SAVES_APART_MS = 100;
const deadline = (what: string) => ({ deadlineMs: 30_000, what });

/** Where a file is saved and made: a running session and a terminal of it. */
export interface SavePlace {
  person: HttpPerson;
  uuid: string;
  terminal: Typist;
}

/** How long a save in the editor takes to be on the volume, and a file made on the volume to be in the database. */
export async function measureSaves(place: SavePlace): Promise<void> {
  const toDatabase = await fromTerminalToDatabase(place);
  const toVolume = await fromSaveToVolume(place);
  printTimes('a file made in the terminal, to the database', toDatabase);
  printLimit('a file made in the terminal, to the database, p95', { times: toDatabase, share: 0.95, budgetMs: 1_000 });
  printTimes('a save, to its bytes on the volume as a command there shows them', toVolume);
  printLimit('a save, to its bytes on the volume, p95', { times: toVolume, share: 0.95, budgetMs: 50 });
}

async function fromTerminalToDatabase({ person, uuid, terminal }: SavePlace): Promise<number[]> {
  const times: number[] = [];
  for (let file = 0; file < FILES; file += 1) {
    // One file by itself: those that follow closely on another wait for their turn, every second.
    await delay(APART_MS);
    const name = `made-${String(file)}.txt`;
    const started = performance.now();
    terminal.line(`echo ${String(file)} > ${name}`);
    await waitFor(
      async () => {
        const { body } = await person.request('GET', `/api/v1/sessions/${uuid}/items`);
        return (body as { items: { path: string }[] }).items.some((item) => item.path === name);
      },
      deadline(`${name} in the database`),
    );
    times.push(performance.now() - started);
  }
  return times;
}

/** With the way of a command to the shell and back, so longer than it is. */
async function fromSaveToVolume({ person, uuid, terminal }: SavePlace): Promise<number[]> {
  const times: number[] = [];
  const created = await person.request('POST', `/api/v1/sessions/${uuid}/items`, { name: 'saved.txt', type: 'file' });
  let { id, version } = created.body as { id: number; version: number };
  for (let save = 0; save < FILES; save += 1) {
    await delay(SAVES_APART_MS);
    const mark = `mark-${String(save)}-end`;
    const started = performance.now();
    const saved = await person.request(
      'PUT',
      `/api/v1/sessions/${uuid}/items/${String(id)}/content`,
      { content: `${mark}\n` },
      { 'if-match': `"${String(version)}"` },
    );
    ({ id, version } = saved.body as { id: number; version: number });
    terminal.line('cat saved.txt');
    // Not by asking again after a while: the budget is shorter than that.
    while (!terminal.shown().includes(mark)) await terminal.more(terminal.shown().length);
    times.push(performance.now() - started);
  }
  return times;
}
