import { ref, shallowRef } from 'vue';
import type { Attached, SocketAnswer, TerminalSize } from '#shared/contracts/terminal.ts';
import { isTerminalAnswer } from '#shared/domain/terminalAnswer.ts';
import { terminalSocket, type TerminalSocket } from '../../../api/sockets.ts';
import { claimClientId } from './clientId.ts';
import { AnswerBudget } from './outputWishes.ts';
import { TerminalStream, type NumberedInput } from './terminalStream.ts';

/** Where the connection to a terminal stands. */
export type TerminalState = 'connecting' | 'live' | 'reconnecting' | 'exited' | 'gone';

/** The screen that a terminal writes to. */
export interface TerminalScreen {
  size(): TerminalSize;
  write(data: Uint8Array, written: () => void): void;
  clear(): void;
}

/** An attach that is not answered or is refused for now is tried again after so many milliseconds. */
const ATTACH_RETRY_MS = 1_000;
const ATTACH_DEADLINE_MS = 8_000;
/** Refusals that another try cannot change. */
const FINAL_CODES = new Set(['TERMINAL_NOT_FOUND', 'NOT_FOUND', 'FORBIDDEN', 'INVALID_INPUT']);

/** What a person types to interrupt. */
const CTRL_C = '\u0003';

const clientId = claimClientId();
const encoder = new TextEncoder();

/** Connects a screen to one terminal of a session, over every interruption, until `stop` is called. */
export function useTerminal(sessionUuid: string, terminalId: string, screen: TerminalScreen) {
  const state = ref<TerminalState>('connecting');
  const exitCode = shallowRef<number | null>(null);
  /** Bytes that were typed or pasted and wait because the program does not read. */
  const waitingBytes = ref(0);
  const address = { sessionUuid, terminalId };
  const socket: TerminalSocket = terminalSocket();
  const stream = new TerminalStream((offset) => {
    if (joined) socket.emit('ack', { ...address, offset });
  });
  const answers = new AnswerBudget(performance.now());
  /** Output that overtook the answer to `attach`. */
  const held: { offset: number; data: Uint8Array }[] = [];
  let attaching: Promise<void> | null = null;
  let joined = false;
  let stopped = false;
  let visible = true;
  let retry: ReturnType<typeof setTimeout> | undefined;

  const isMine = (message: { sessionUuid: string; terminalId: string }) =>
    message.sessionUuid === sessionUuid && message.terminalId === terminalId;

  /** Joins the terminal after the last byte seen; concurrent calls share one attempt. */
  function attach(): Promise<void> {
    clearTimeout(retry);
    attaching ??= join().finally(() => (attaching = null));
    return attaching;
  }

  async function join(): Promise<void> {
    if (stopped || !socket.connected) return;
    const id = await clientId;
    const size = screen.size();
    const answer = await askToAttach(id, size);
    if (stopped) return;
    if (answer?.ok) return enter(answer.value, size);
    if (answer && FINAL_CODES.has(answer.code)) return void (state.value = 'gone');
    retry = setTimeout(() => void attach(), ATTACH_RETRY_MS);
  }

  async function askToAttach(id: string, size: TerminalSize): Promise<SocketAnswer<Attached> | null> {
    const message = { ...address, clientId: id, offset: stream.attachOffset, size, visible };
    try {
      return await socket.timeout(ATTACH_DEADLINE_MS).emitWithAck('attach', message);
    } catch {
      // No answer in time, or the connection ended; the retry or the next connect attaches again.
      return null;
    }
  }

  function enter(answer: Attached, told: TerminalSize): void {
    const { clear, resend } = stream.attached(answer);
    if (clear) screen.clear();
    joined = true;
    // It may have got another size while the answer was under way.
    const { cols, rows } = screen.size();
    if (cols !== told.cols || rows !== told.rows) resize({ cols, rows });
    if (state.value !== 'exited') state.value = 'live';
    send(resend);
    for (const early of held.splice(0)) take(early.offset, early.data);
  }

  function take(offset: number, data: Uint8Array): void {
    const pieces = stream.output(offset, data);
    if (pieces === null) return rejoin();
    for (const { data: piece, end } of pieces) screen.write(piece, () => stream.wrote(end));
  }
  function rejoin(): void {
    joined = false;
    void attach();
  }
  function send(inputs: readonly NumberedInput[]): void {
    waitingBytes.value = stream.waitingBytes;
    if (!joined) return;
    for (const { seq, data } of inputs) socket.emit('input', { ...address, seq, data });
  }

  /** What xterm wants to type: a person's keys, or an answer, which is dropped while old output is replayed. */
  function type(data: string): void {
    if (state.value === 'exited' || state.value === 'gone') return;
    if (isTerminalAnswer(data) && (stream.replaying || !answers.take(performance.now()))) return;
    // As the line discipline of a terminal does: what was not read yet is not for what comes after the interrupt.
    if (data === CTRL_C) discardWaiting();
    send(stream.input(encoder.encode(data)));
  }
  /** Bytes that are no text, as old mouse reports. */
  function typeBinary(data: string): void {
    send(stream.input(Uint8Array.from(data, (letter) => letter.charCodeAt(0) & 255)));
  }
  /** Takes back what waits to be read. */
  function discardWaiting(): void {
    send(stream.discardWaiting());
  }
  /** The screen has another size. */
  function resize({ cols, rows }: TerminalSize): void {
    // xterm's own event says more, and the api refuses a message that says more.
    if (joined) socket.emit('resize', { ...address, size: { cols, rows } });
  }
  /** A hidden screen never holds a program back. */
  function setVisible(isVisible: boolean): void {
    visible = isVisible;
    if (joined) socket.emit('visible', { ...address, visible });
  }

  const listeners = {
    connect: () => void attach(),
    disconnect: () => {
      joined = false;
      if (state.value === 'live') state.value = 'reconnecting';
    },
    output: (message: { sessionUuid: string; terminalId: string; offset: number; data: Uint8Array }) => {
      if (!isMine(message)) return;
      const data = new Uint8Array(message.data);
      if (joined) take(message.offset, data);
      else held.push({ offset: message.offset, data });
    },
    reset: (message: { sessionUuid: string; terminalId: string; offset: number }) => {
      if (!isMine(message)) return;
      stream.reset(message.offset);
      screen.clear();
    },
    exit: (message: { sessionUuid: string; terminalId: string; exitCode: number | null }) => {
      if (!isMine(message)) return;
      exitCode.value = message.exitCode;
      discardWaiting();
      state.value = 'exited';
    },
    interrupted: (message: { sessionUuid: string; terminalId: string }) => {
      if (isMine(message) && state.value === 'live') state.value = 'reconnecting';
    },
    resumed: (message: { sessionUuid: string; terminalId: string; lastInputSeq: number }) => {
      if (!isMine(message)) return;
      if (state.value === 'reconnecting') state.value = 'live';
      send(stream.arrivedUpTo(message.lastInputSeq));
    },
    taken: (message: { sessionUuid: string; terminalId: string; seq: number }) => {
      if (isMine(message)) send(stream.taken(message.seq));
    },
    gone: (message: { sessionUuid: string; terminalId: string; code: string }) => {
      if (isMine(message)) state.value = 'gone';
    },
  };

  /** Connects; called once the screen has its size. */
  function start(): void {
    for (const [name, listener] of Object.entries(listeners)) socket.on(name as 'output', listener as () => void);
    void attach();
  }
  /** Leaves the terminal; it runs on. */
  function stop(): void {
    stopped = true;
    clearTimeout(retry);
    stream.stop();
    for (const [name, listener] of Object.entries(listeners)) socket.off(name as 'output', listener as () => void);
    if (socket.connected) socket.emit('detach', address);
  }

  /** True while old output is written: what it wishes for was granted or refused when it was new. */
  const isReplaying = (): boolean => stream.replaying;

  return {
    state,
    exitCode,
    waitingBytes,
    isReplaying,
    start,
    stop,
    type,
    typeBinary,
    discardWaiting,
    resize,
    setVisible,
  };
}
