import { computed, onScopeDispose, ref } from 'vue';
import type { Item } from '#shared/contracts/item.ts';
import { lastName } from '#shared/domain/paths.ts';
import * as items from '../../../api/items.ts';
import { useLoad } from '../../../composables/useLoad.ts';
import { ancestorPaths, parentPath, type TreeEntry } from '../../../composables/treeModel.ts';

/** Events that come this close together, in milliseconds, cause one load of the tree. */
const GATHER_MS = 120;
/** A load that takes longer, in milliseconds, counts as lost. */
const LOAD_DEADLINE_MS = 10_000;

/** A session's items: loaded, changed by a person, and loaded again whenever an event says that they changed. */
export function useFileTree(uuid: string) {
  const tree = useLoad(() => items.loadTree(uuid));
  const all = computed<readonly Item[]>(() => tree.value.value?.items ?? []);
  const byPath = computed(() => new Map(all.value.map((item) => [item.path, item])));
  const byId = computed(() => new Map(all.value.map((item) => [item.id, item])));
  const expanded = ref(new Set<string>());
  const notSaved = computed(() => tree.value.value?.notSaved ?? []);
  let gathering: ReturnType<typeof setTimeout> | undefined;
  let begunAt = 0;

  onScopeDispose(() => clearTimeout(gathering));

  /** Something changed: loads once after a burst, also while a burst goes on. */
  function noteChange(): void {
    gathering ??= setTimeout(() => {
      gathering = undefined;
      // A newer load makes the one under way worthless: where changes come faster than answers nothing would ever be shown.
      if (tree.loading.value && Date.now() - begunAt < LOAD_DEADLINE_MS) return noteChange();
      begunAt = Date.now();
      void tree.reload();
    }, GATHER_MS);
  }

  /** Makes a file or folder and returns it once the tree shows it. */
  async function create(
    folder: string,
    made: { name: string; type: TreeEntry['type']; content?: string },
  ): Promise<Item> {
    const item = await items.createItem(uuid, { ...made, parentId: await folderId(folder) });
    if (folder !== '') expanded.value = new Set([...expanded.value, folder]);
    await tree.reload();
    return item;
  }
  /** The id of a folder, null for the root. One that is gone meanwhile is made again, with those above it. */
  async function folderId(folder: string): Promise<number | null> {
    if (folder === '') return null;
    const found = byPath.value.get(folder);
    if (found) return found.id;
    const parentId = await folderId(parentPath(folder));
    return (await items.createItem(uuid, { name: lastName(folder), type: 'folder', parentId })).id;
  }
  async function rename(item: Item, name: string): Promise<void> {
    await items.updateItem(uuid, item.id, { name });
    await tree.reload();
  }
  /** Makes a copy beside the item. */
  async function duplicate(item: Item, name: string): Promise<Item> {
    const made = await items.copyItem(uuid, item.id, { name });
    await tree.reload();
    return made;
  }
  /** Unfolds the tree down to the item, a folder with what is in it. */
  function reveal(item: Item): void {
    const folders = item.type === 'folder' ? [item.path, ...ancestorPaths(item.path)] : ancestorPaths(item.path);
    expanded.value = new Set([...expanded.value, ...folders]);
  }
  async function remove(item: Item): Promise<void> {
    await items.deleteItem(uuid, item.id);
    await tree.reload();
  }
  /** The names that are taken in a folder. */
  function namesIn(folder: string): string[] {
    return all.value.filter((item) => parentPath(item.path) === folder).map((item) => item.name);
  }

  return {
    tree,
    all,
    byPath,
    byId,
    expanded,
    notSaved,
    noteChange,
    create,
    rename,
    duplicate,
    reveal,
    remove,
    namesIn,
  };
}
/** A session's items with what a person can do with them. */
export type FileTreeModel = ReturnType<typeof useFileTree>;
