import type { ApiError } from '../../../api/problem.ts';

/**
 * Where an open file stands between editor and database. `version` is the one that the text is based on. `edited`: the
 * text differs from what was last saved or loaded. `behind`: a newer version is in the database.
 */
export interface SaveState {
  version: number;
  edited: boolean;
  saving: boolean;
  behind: boolean;
  deleted: boolean;
  error: ApiError | null;
}

/** What can happen to an open file. */
export type SaveEvent =
  | { kind: 'edited'; differs: boolean }
  | { kind: 'saveStarted' }
  /** `differs`: the person typed on while the save was under way. */
  | { kind: 'saved'; version: number; differs: boolean }
  | { kind: 'saveFailed'; error: ApiError }
  /** Somebody, or a program in the terminal, saved `version`. */
  | { kind: 'changedElsewhere'; version: number }
  /** `version` has the bytes that the text is based on: the file has another name, or may be executed. */
  | { kind: 'renamed'; version: number }
  | { kind: 'deletedElsewhere' }
  /** The editor now shows the database's `version`, or the person chose to go on from it with a text of their own. */
  | { kind: 'based'; version: number; differs: boolean };

/** What a tab says about its file. */
export type SaveWord = 'saved' | 'edited' | 'saving' | 'failed' | 'conflict' | 'deleted';

/** The state of a file that was just loaded. */
export function loadedState(version: number): SaveState {
  return { version, edited: false, saving: false, behind: false, deleted: false, error: null };
}

/** The state after an event. */
export function nextSaveState(state: SaveState, event: SaveEvent): SaveState {
  switch (event.kind) {
    case 'edited':
      return { ...state, edited: event.differs };
    case 'saveStarted':
      return { ...state, saving: true, error: null };
    case 'saved':
      return { ...state, version: event.version, edited: event.differs, saving: false, behind: false, error: null };
    case 'saveFailed':
      return failedState(state, event.error);
    case 'changedElsewhere':
      return event.version <= state.version || state.saving ? state : { ...state, behind: true, deleted: false };
    case 'renamed':
      return event.version < state.version || state.saving
        ? state
        : { ...state, version: event.version, behind: false, deleted: false };
    case 'deletedElsewhere':
      return { ...state, deleted: true, behind: false };
    case 'based':
      return { ...loadedState(event.version), edited: event.differs };
  }
}

/** True when a save may start: there is something to save, and no newer version that it would run into. */
export function canSave(state: SaveState): boolean {
  return state.edited && !state.saving && !state.behind && !state.deleted;
}

/** True when the editor may show the newer version at once, because nothing of the person's would be lost. */
export function shouldFollow(state: SaveState): boolean {
  return state.behind && !state.edited && !state.saving;
}

/** The one word for a tab. A person must decide on a conflict; it outranks the rest. */
export function saveWord(state: SaveState): SaveWord {
  if (state.deleted) return 'deleted';
  if (state.behind && state.edited) return 'conflict';
  if (state.saving) return 'saving';
  if (state.error) return 'failed';
  return state.edited ? 'edited' : 'saved';
}

function failedState(state: SaveState, error: ApiError): SaveState {
  const stopped = { ...state, saving: false };
  if (error.code === 'VERSION_CONFLICT') return { ...stopped, behind: true };
  if (error.code === 'NOT_FOUND') return { ...stopped, deleted: true };
  return { ...stopped, error };
}
