import { computed, onScopeDispose, watch } from 'vue';
import type { Recording } from '#shared/contracts/recording.ts';
import * as sessions from '../../../api/sessions.ts';
import { useLoad } from '../../../composables/useLoad.ts';

/** While one is under way it is looked after so often, in milliseconds: it may reach its limit. */
const LOOK_EVERY_MS = 10_000;

/** The recordings of a session's terminals. */
export function useRecordings(uuid: string) {
  const list = useLoad(() => sessions.listRecordings(uuid));
  const recordings = computed<readonly Recording[]>(() => list.value.value ?? []);
  const underWay = computed(() => recordings.value.filter(({ endReason }) => endReason === null));
  let timer: ReturnType<typeof setTimeout> | undefined;
  watch(recordings, () => {
    clearTimeout(timer);
    if (underWay.value.length > 0) timer = setTimeout(() => void list.reload(), LOOK_EVERY_MS);
  });
  onScopeDispose(() => clearTimeout(timer));

  /** Records a terminal from now on. */
  async function start(terminalId: string, withInput: boolean): Promise<void> {
    await sessions.startRecording(uuid, { terminalId, withInput });
    await list.reload();
  }
  /** Ends a recording. */
  async function stop(id: string): Promise<void> {
    await sessions.stopRecording(uuid, id);
    await list.reload();
  }
  /** Removes a recording. */
  async function remove(id: string): Promise<void> {
    await sessions.removeRecording(uuid, id);
    await list.reload();
  }
  return { list, recordings, underWay, start, stop, remove };
}
