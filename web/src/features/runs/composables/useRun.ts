import { computed, onScopeDispose, ref, shallowRef } from 'vue';
import type { RunReceipt } from '#shared/contracts/run.ts';
import { isEndedRun, type RunStream } from '#shared/domain/run.ts';
import { cancelRun, loadRun } from '../../../api/runs.ts';
import { terminalSocket } from '../../../api/sockets.ts';
import { useAction } from '../../../composables/useAction.ts';
import { useLoad } from '../../../composables/useLoad.ts';

/** The most characters of a running program's output that are kept for the page. */
const KEPT_CHARACTERS = 400_000;

/** One output while its program runs: the bytes that came, and the text of their end. */
class LiveOutput {
  offset = 0;
  readonly text = ref('');
  readonly #decoder = new TextDecoder();

  /** Takes a piece; what came before is left out. */
  take(offset: number, data: Uint8Array): void {
    const fresh = data.subarray(Math.max(0, this.offset - offset));
    this.offset = Math.max(this.offset, offset + data.byteLength);
    this.text.value = (this.text.value + this.#decoder.decode(fresh, { stream: true })).slice(-KEPT_CHARACTERS);
  }
}

/** One run as its page sees it: its receipt, or what it puts out while it runs, over every interruption. */
export function useRun(sessionUuid: string, runId: number) {
  const receipt = useLoad<RunReceipt>(() => loadRun(sessionUuid, runId));
  const live: Record<RunStream, LiveOutput> = { stdout: new LiveOutput(), stderr: new LiveOutput() };
  const socket = terminalSocket();
  const gone = shallowRef(false);
  const ended = computed(() => receipt.value.value !== null && isEndedRun(receipt.value.value.status));

  const isMine = (message: { sessionUuid: string; runId: number }) =>
    message.sessionUuid === sessionUuid && message.runId === runId;
  function attach(): void {
    if (ended.value || !socket.connected) return;
    const offsets = { stdout: live.stdout.offset, stderr: live.stderr.offset };
    socket.emit('attachRun', { sessionUuid, runId, ...offsets }, (answer) => {
      gone.value = !answer.ok;
    });
  }
  type Piece = { sessionUuid: string; runId: number; stream: RunStream; offset: number; data: Uint8Array };
  function onOutput(piece: Piece, taken: () => void): void {
    if (!isMine(piece)) return;
    live[piece.stream].take(piece.offset, new Uint8Array(piece.data));
    taken();
  }
  function onEnd(message: { sessionUuid: string; runId: number }): void {
    if (isMine(message)) void receipt.reload();
  }
  function onGone(message: { sessionUuid: string; runId: number }): void {
    if (isMine(message)) gone.value = true;
  }

  socket.on('connect', attach);
  socket.on('runOutput', onOutput);
  socket.on('runEnd', onEnd);
  socket.on('runGone', onGone);
  void receipt.reload().then(attach);
  onScopeDispose(() => {
    socket.off('connect', attach);
    socket.off('runOutput', onOutput);
    socket.off('runEnd', onEnd);
    socket.off('runGone', onGone);
    if (socket.connected) socket.emit('detachRun', { sessionUuid, runId });
  });

  const cancelling = useAction(async () => {
    await cancelRun(sessionUuid, runId);
    await receipt.reload();
  });
  return { receipt, live, ended, gone, cancelling };
}
