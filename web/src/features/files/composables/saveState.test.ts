import { ApiError } from '../../../api/problem.ts';
import {
  canSave,
  loadedState,
  nextSaveState,
  saveWord,
  shouldFollow,
  type SaveEvent,
  type SaveState,
} from './saveState.ts';

const problem = (code: 'VERSION_CONFLICT' | 'NOT_FOUND' | 'OFFLINE') =>
  new ApiError({ code, status: 409, title: 't', detail: 'd' });
const after = (...events: SaveEvent[]): SaveState => events.reduce(nextSaveState, loadedState(3));
const edited: SaveEvent = { kind: 'edited', differs: true };
const started: SaveEvent = { kind: 'saveStarted' };

describe('an open file', () => {
  it('is saved when loaded, edited when typed in, saved again when typed back', () => {
    expect(saveWord(after())).toBe('saved');
    expect(saveWord(after(edited))).toBe('edited');
    expect(saveWord(after(edited, { kind: 'edited', differs: false }))).toBe('saved');
  });

  it('saves only what is edited, and one save at a time', () => {
    expect(canSave(after())).toBe(false);
    expect(canSave(after(edited))).toBe(true);
    expect(canSave(after(edited, started))).toBe(false);
  });

  it('stays edited when the person typed on during the save', () => {
    const state = after(edited, started, { kind: 'saved', version: 4, differs: true });
    expect(state).toMatchObject({ version: 4, edited: true, saving: false });
    expect(canSave(state)).toBe(true);
  });

  it('keeps the text and can be saved again after a failure', () => {
    const state = after(edited, started, { kind: 'saveFailed', error: problem('OFFLINE') });
    expect(saveWord(state)).toBe('failed');
    expect(canSave(state)).toBe(true);
    expect(saveWord(nextSaveState(state, started))).toBe('saving');
  });

  it('never overwrites: a conflict stops saving until the person decided', () => {
    const conflict = after(edited, started, { kind: 'saveFailed', error: problem('VERSION_CONFLICT') });
    expect(saveWord(conflict)).toBe('conflict');
    expect(canSave(conflict)).toBe(false);
    const decided = nextSaveState(conflict, { kind: 'based', version: 9, differs: true });
    expect(decided).toMatchObject({ version: 9, edited: true, behind: false });
    expect(canSave(decided)).toBe(true);
  });

  it('follows a change made elsewhere only while it has no edits of its own', () => {
    const changed: SaveEvent = { kind: 'changedElsewhere', version: 4 };
    expect(shouldFollow(after(changed))).toBe(true);
    expect(shouldFollow(after(edited, changed))).toBe(false);
    expect(saveWord(after(edited, changed))).toBe('conflict');
  });

  it('is no conflict when only its name changed elsewhere, and may be saved over that version', () => {
    const renamed: SaveEvent = { kind: 'renamed', version: 4 };
    expect(after(edited, renamed)).toMatchObject({ version: 4, edited: true, behind: false });
    expect(canSave(after(edited, renamed))).toBe(true);
    const thereAndBack = after(edited, { kind: 'changedElsewhere', version: 4 }, { kind: 'renamed', version: 5 });
    expect(saveWord(thereAndBack)).toBe('edited');
    expect(after(edited, started, renamed).version).toBe(3);
  });

  it('does not take its own save, told by an event, for a change elsewhere', () => {
    const changed: SaveEvent = { kind: 'changedElsewhere', version: 4 };
    expect(after(edited, started, changed).behind).toBe(false);
    expect(after(edited, started, { kind: 'saved', version: 4, differs: false }, changed).behind).toBe(false);
  });

  it('keeps the text of a file that was deleted elsewhere, and does not save it over nothing', () => {
    for (const state of [
      after(edited, { kind: 'deletedElsewhere' }),
      after(edited, started, { kind: 'saveFailed', error: problem('NOT_FOUND') }),
    ]) {
      expect(saveWord(state)).toBe('deleted');
      expect(state.edited).toBe(true);
      expect(canSave(state)).toBe(false);
    }
  });
});
