import { computed, onScopeDispose, ref, watch, type Ref } from 'vue';
import type { Terminal } from '#shared/contracts/terminal.ts';
import * as sessions from '../../../api/sessions.ts';
import { useLoad } from '../../../composables/useLoad.ts';
import { joinSides, keepExisting, NO_SIDES, select, showBeside, type TerminalSides } from './terminalSides.ts';

/** Time between two tries while the session does not answer, in milliseconds. */
const RETRY_MS = 2_000;
/** Refusals that end by themselves. */
const PASSING_CODES = new Set<string>(['AGENT_UNREACHABLE', 'SESSION_NOT_RUNNING', 'RUNTIME_UNAVAILABLE']);

/**
 * The terminals of a running session. The first visit finds one ready; while the session does not answer it is asked again.
 * `kept` remembers which of them are shown side by side.
 */
export function useTerminals(uuid: string, kept: Ref<TerminalSides> = ref(NO_SIDES)) {
  const list = useLoad(loadOrBegin);
  const terminals = computed<readonly Terminal[]>(() => list.value.value ?? []);
  /** Which are shown, as far as they still exist. */
  const sides = computed(() =>
    keepExisting(
      kept.value,
      terminals.value.map(({ id }) => id),
    ),
  );
  const activeId = computed(() => sides.value.active);
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
  onScopeDispose(() => clearTimeout(retry));

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
  async function make(): Promise<string> {
    begun = true;
    const made = await sessions.createTerminal(uuid, { cols: 80, rows: 24 });
    await list.reload();
    return made.id;
  }
  /** Starts another terminal and shows it. */
  async function create(): Promise<void> {
    show(await make());
  }
  /** Shows a terminal, and lets it be the active one. */
  function show(id: string): void {
    kept.value = select(sides.value, id);
  }
  /** Shows another terminal beside the active one; a new one where there is no other. */
  async function split(): Promise<void> {
    const other = terminals.value.find(({ id, running }) => running && !sides.value.ids.includes(id));
    kept.value = showBeside(sides.value, other?.id ?? (await make()));
  }
  /** Shows the active terminal alone. */
  function unsplit(): void {
    kept.value = joinSides(sides.value);
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

  return { list, terminals, waiting, sides, activeId, show, split, unsplit, create, rename, close };
}
