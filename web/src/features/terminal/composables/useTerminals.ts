import { computed, ref } from 'vue';
import type { Terminal } from '#shared/contracts/terminal.ts';
import * as sessions from '../../../api/sessions.ts';
import { useLoad } from '../../../composables/useLoad.ts';

/** The terminals of a running session. The first visit finds one ready. */
export function useTerminals(uuid: string) {
  const list = useLoad(loadOrBegin);
  const terminals = computed<readonly Terminal[]>(() => list.value.value ?? []);
  const chosenId = ref<string | null>(null);
  const activeId = computed(() =>
    terminals.value.some(({ id }) => id === chosenId.value) ? chosenId.value : (terminals.value[0]?.id ?? null),
  );
  let begun = false;

  async function loadOrBegin(): Promise<Terminal[]> {
    const found = await sessions.listTerminals(uuid);
    // Only once: a person who closed the last terminal wants none.
    if (found.length > 0 || begun) return found;
    begun = true;
    return [await sessions.createTerminal(uuid, { cols: 80, rows: 24 })];
  }
  /** Starts another terminal and shows it. */
  async function create(): Promise<void> {
    begun = true;
    const made = await sessions.createTerminal(uuid, { cols: 80, rows: 24 });
    await list.reload();
    chosenId.value = made.id;
  }
  /** Gives a terminal another name. */
  async function rename(id: string, name: string): Promise<void> {
    await sessions.renameTerminal(uuid, id, name);
    await list.reload();
  }
  /** Ends a terminal with what runs in it. */
  async function close(id: string): Promise<void> {
    begun = true;
    await sessions.closeTerminal(uuid, id);
    await list.reload();
  }

  return { list, terminals, activeId, chosenId, create, rename, close };
}
