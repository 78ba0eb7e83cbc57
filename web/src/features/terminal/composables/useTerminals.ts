import { computed, onScopeDispose, ref, watch } from 'vue';
import type { Terminal } from '#shared/contracts/terminal.ts';
import * as sessions from '../../../api/sessions.ts';
import { useLoad } from '../../../composables/useLoad.ts';

/** Time between two tries while the session does not answer, in milliseconds. */
const RETRY_MS = 2_000;
/** Refusals that end by themselves. */
const PASSING_CODES = new Set<string>(['AGENT_UNREACHABLE', 'SESSION_NOT_RUNNING', 'RUNTIME_UNAVAILABLE']);

/** The terminals of a running session. The first visit finds one ready; while the session does not answer it is asked again. */
export function useTerminals(uuid: string) {
  const list = useLoad(loadOrBegin);
  const terminals = computed<readonly Terminal[]>(() => list.value.value ?? []);
  const chosenId = ref<string | null>(null);
  const activeId = computed(() =>
    terminals.value.some(({ id }) => id === chosenId.value) ? chosenId.value : (terminals.value[0]?.id ?? null),
  );
  /** True while the session does not answer. */
  const waiting = computed(() => list.error.value !== null && PASSING_CODES.has(list.error.value.code));
  let begun = false;
  /** The first terminal while it is made: loads that overlap share it. */
  let beginning: Promise<Terminal> | null = null;
  let retry: ReturnType<typeof setTimeout> | undefined;

  watch(list.error, () => {
    clearTimeout(retry);
    if (waiting.value) retry = setTimeout(() => void list.reload(), RETRY_MS);
  });
  onScopeDispose(() => {
    clearTimeout(retry);
    list.stop();
  });

  async function loadOrBegin(): Promise<Terminal[]> {
    const found = await sessions.listTerminals(uuid);
    // Only once: a person who closed the last terminal wants none.
    if (found.length > 0 || (begun && beginning === null)) return found;
    begun = true;
    beginning ??= begin().finally(() => (beginning = null));
    return [await beginning];
  }
  async function begin(): Promise<Terminal> {
    try {
      return await sessions.createTerminal(uuid, { cols: 80, rows: 24 });
    } catch (error) {
      begun = false;
      throw error;
    }
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

  return { list, terminals, waiting, activeId, chosenId, create, rename, close };
}
