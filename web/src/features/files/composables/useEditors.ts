import { computed, markRaw, reactive, ref, watch, type Raw } from 'vue';
import type { Item, ItemWithContent } from '#shared/contracts/item.ts';
import * as items from '../../../api/items.ts';
import { asApiError, isApiError, isPassing, type ApiError } from '../../../api/problem.ts';
import { parentPath } from '../../../composables/treeModel.ts';
import { EditorDocument } from './EditorDocument.ts';
import { canSave, loadedState, nextSaveState, shouldFollow, type SaveEvent, type SaveState } from './saveState.ts';
import type { FileTreeModel } from './useFileTree.ts';

/** One open file. `text` is null for files that are not text; those are shown, not edited. */
export interface EditorTab {
  /** Another one once a deleted file was made again. */
  id: number;
  path: string;
  name: string;
  loading: boolean;
  loadError: ApiError | null;
  item: ItemWithContent | null;
  document: Raw<EditorDocument> | null;
  save: SaveState;
  /** The database's version beside the person's own, while they decide. */
  theirs: ItemWithContent | null;
  /** The last saves whose answers did not come: each may have been carried out. */
  unanswered: SentText[];
}

/** A text on its way to the database; `succeeded` makes it what later edits are compared with. */
type SentText = ReturnType<EditorDocument['beginSave']>;

/** A person without a connection presses the key again and again: so many of their saves are remembered. */
const MOST_UNANSWERED = 5;

/** The open files of a session: opened, edited, saved, kept in step with what changes elsewhere. */
export function useEditors(uuid: string, files: FileTreeModel) {
  const tabs = ref<EditorTab[]>([]);
  const activeId = ref<number | null>(null);
  const active = computed(() => tabs.value.find((tab) => tab.id === activeId.value) ?? null);
  const hasEdits = computed(() => tabs.value.some((tab) => tab.save.edited));

  const apply = (tab: EditorTab, event: SaveEvent): void => void (tab.save = nextSaveState(tab.save, event));

  /** Shows a file, loading it when it is not open yet. */
  async function open(item: Item): Promise<void> {
    activeId.value = item.id;
    if (tabs.value.some((tab) => tab.id === item.id)) return;
    const tab = reactive<EditorTab>(newTab(item));
    tabs.value.push(tab);
    await load(tab);
  }

  /** Loads the database's text into the tab; what was typed there is replaced as one step that can be undone. */
  async function load(tab: EditorTab): Promise<void> {
    tab.loading = tab.document === null;
    tab.loadError = null;
    try {
      showLoaded(tab, await items.loadItem(uuid, tab.id));
    } catch (thrown) {
      if (isApiError(thrown, 'NOT_FOUND')) apply(tab, { kind: 'deletedElsewhere' });
      tab.loadError = asApiError(thrown);
    } finally {
      tab.loading = false;
    }
  }

  function showLoaded(tab: EditorTab, item: ItemWithContent): void {
    // What was asked for before a save, or before a newer version was, may come after it.
    if (item.version < tab.save.version) return;
    // Typed while the answer was under way: that text must not be replaced.
    if (tab.save.edited) return apply(tab, { kind: 'changedElsewhere', version: item.version });
    showVersion(tab, item);
  }
  function showVersion(tab: EditorTab, item: ItemWithContent): void {
    tab.item = item;
    tab.unanswered = [];
    if (item.encoding === 'utf8') {
      tab.document ??= markRaw(
        new EditorDocument({ path: item.path, content: item.content }, (differs) =>
          apply(tab, { kind: 'edited', differs }),
        ),
      );
      tab.document.replace(item.content);
    } else {
      tab.document = null;
    }
    apply(tab, { kind: 'based', version: item.version, differs: false });
  }

  /** Saves a tab over the version that it is based on. A newer one is never overwritten: the state says conflict. */
  async function save(tab: EditorTab): Promise<void> {
    if (!tab.document || !canSave(tab.save)) return;
    const sent = tab.document.beginSave();
    const { content } = sent;
    const { version } = tab.save;
    apply(tab, { kind: 'saveStarted' });
    try {
      const saved = await items.saveItem(uuid, tab.id, { content, encoding: 'utf8', version });
      noteSaved(tab, sent, { ...saved, content });
      files.noteChange();
    } catch (thrown) {
      const error = asApiError(thrown);
      if (isPassing(error)) tab.unanswered = [...tab.unanswered, sent].slice(-MOST_UNANSWERED);
      apply(tab, { kind: 'saveFailed', error });
      if (error.code !== 'VERSION_CONFLICT') return;
      const { currentVersion, sha256 } = error.data;
      if (typeof currentVersion !== 'number' || sha256 !== tab.item?.sha256) return recognise(tab);
      // It was renamed on the way: the bytes are those that this text was made from.
      apply(tab, { kind: 'renamed', version: currentVersion });
      await save(tab);
    }
  }
  function noteSaved(tab: EditorTab, sent: SentText, saved: ItemWithContent): void {
    sent.succeeded();
    tab.item = saved;
    tab.unanswered = [];
    apply(tab, { kind: 'saved', version: saved.version, differs: tab.document?.differs ?? false });
  }

  /** Looks whether a newer version is a save of this tab, of which no answer came; everything else stays a conflict. */
  async function recognise(tab: EditorTab): Promise<void> {
    if (tab.unanswered.length === 0) return;
    try {
      const there = await items.loadItem(uuid, tab.id);
      const own = tab.unanswered.find(({ content }) => content === there.content);
      if (own && there.version >= tab.save.version) noteSaved(tab, own, there);
    } catch (thrown) {
      // A person who compares asks again.
      if (!isApiError(thrown)) throw thrown;
    }
  }

  /** Fetches the database's version so that the person can compare and decide. */
  async function compare(tab: EditorTab): Promise<void> {
    tab.theirs = await items.loadItem(uuid, tab.id);
  }
  /** Decision: the database's version; what was typed can still be had back with undo. */
  function takeTheirs(tab: EditorTab): void {
    const { theirs } = tab;
    if (!theirs) return;
    tab.theirs = null;
    showVersion(tab, theirs);
    // Meanwhile there may be a newer one.
    files.noteChange();
  }
  /** Decision: this text, which the person made from both, saved over the version that they saw. */
  async function takeMerged(tab: EditorTab, merged: string): Promise<void> {
    const { theirs } = tab;
    if (!theirs || !tab.document) return;
    tab.theirs = null;
    tab.item = theirs;
    tab.unanswered = [];
    tab.document.replace(merged);
    if (theirs.encoding === 'utf8') tab.document.rebase(theirs.content);
    const differs = theirs.encoding !== 'utf8' || tab.document.differs;
    apply(tab, { kind: 'based', version: theirs.version, differs });
    await save(tab);
  }
  /** A file that was deleted elsewhere comes back with the text of the tab, as a new file; the tab goes on as that file's. */
  async function restore(tab: EditorTab): Promise<void> {
    if (!tab.document) return;
    const sent = tab.document.beginSave();
    const { content } = sent;
    const item = await files.create(parentPath(tab.path), { name: tab.name, type: 'file', content });
    if (activeId.value === tab.id) activeId.value = item.id;
    Object.assign(tab, { id: item.id, path: item.path, name: item.name, save: loadedState(item.version) });
    noteSaved(tab, sent, { ...item, content });
  }

  /** Closes a tab and shows its neighbour. */
  function close(tab: EditorTab): void {
    const index = tabs.value.findIndex((other) => other.id === tab.id);
    tabs.value = tabs.value.filter((other) => other.id !== tab.id);
    if (activeId.value === tab.id) activeId.value = (tabs.value[index] ?? tabs.value[index - 1])?.id ?? null;
  }

  watch(files.byId, (byId) => {
    if (!files.tree.value.value) return;
    for (const tab of tabs.value) follow(tab, byId.get(tab.id));
  });

  function follow(tab: EditorTab, item: Item | undefined): void {
    if (!item) return apply(tab, { kind: 'deletedElsewhere' });
    tab.path = item.path;
    tab.name = item.name;
    const isSame = tab.item !== null && item.sha256 === tab.item.sha256;
    apply(tab, { kind: isSame ? 'renamed' : 'changedElsewhere', version: item.version });
    if (shouldFollow(tab.save)) void load(tab);
    else if (tab.save.behind) void recognise(tab);
  }

  return { tabs, activeId, active, hasEdits, open, load, save, compare, takeTheirs, takeMerged, restore, close };
}
/** The open files of a session. */
export type EditorsModel = ReturnType<typeof useEditors>;

function newTab(item: Item): EditorTab {
  return {
    id: item.id,
    path: item.path,
    name: item.name,
    loading: true,
    loadError: null,
    item: null,
    document: null,
    save: loadedState(item.version),
    theirs: null,
    unanswered: [],
  };
}
