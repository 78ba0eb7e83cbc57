import { z } from 'zod';

/** A terminal of a session. */
export const Terminal = z.object({
  id: z.string(),
  name: z.string(),
  title: z.string(),
  running: z.boolean(),
  exitCode: z.int().nullable(),
});
export type Terminal = z.infer<typeof Terminal>;

/** Columns and rows; zero and huge sizes never reach a PTY. */
export const TerminalSize = z.strictObject({ cols: z.int().min(1).max(1000), rows: z.int().min(1).max(1000) });
export type TerminalSize = z.infer<typeof TerminalSize>;

/** Body of a new terminal. */
export const CreateTerminal = z.strictObject({
  name: z.string().trim().min(1).max(60).optional(),
  cols: z.int().min(1).max(1000).default(80),
  rows: z.int().min(1).max(1000).default(24),
});
export type CreateTerminal = z.infer<typeof CreateTerminal>;
/** Body of a rename of a terminal. */
export const RenameTerminal = z.strictObject({ name: z.string().trim().min(1).max(60) });
export type RenameTerminal = z.infer<typeof RenameTerminal>;

export { HIGH_WATER } from '#shared/domain/terminalFlow.ts';

/*
 * Namespace /terminal. Byte offsets count from the PTY's first byte of output and are exact below 2^53.
 */

/** `attach`: join a terminal and get exactly the bytes after `offset` (null: whatever the ring holds). */
export const Attach = z.strictObject({
  sessionUuid: z.uuid(),
  terminalId: z.string().min(1).max(64),
  /** Names this client for the numbering of its input; kept over reconnects. */
  clientId: z.string().min(8).max(64),
  offset: z.int().min(0).nullable(),
  size: TerminalSize,
  visible: z.boolean(),
});
export type Attach = z.infer<typeof Attach>;
/** Answer to `attach`. `lastInputSeq`: the last input of this client that reached the PTY. */
export interface Attached {
  lastInputSeq: number;
  offset: number;
  reset: boolean;
  /** Where the output ended at the moment of joining: what lies before it is replay, to which a client types no answers. */
  end?: number;
  /** Bytes of input that may be under way before `taken` tells that there is room; without it input is sent at once. */
  inputWindow?: number;
}
/** `input`: numbered from 1 per client; a number at or below the last one is dropped. */
export const Input = z.strictObject({
  sessionUuid: z.uuid(),
  terminalId: z.string().max(64),
  seq: z.int().positive(),
  data: z.instanceof(Uint8Array).refine((data) => data.byteLength <= 65_536),
});
export type Input = z.infer<typeof Input>;
/** `resize`. */
export const Resize = z.strictObject({ sessionUuid: z.uuid(), terminalId: z.string().max(64), size: TerminalSize });
export type Resize = z.infer<typeof Resize>;
/** `ack`: everything before `offset` was written to the screen. */
export const Ack = z.strictObject({ sessionUuid: z.uuid(), terminalId: z.string().max(64), offset: z.int().min(0) });
export type Ack = z.infer<typeof Ack>;
/** `visible`: whether the page is seen; a hidden client never holds a job back. */
export const Visible = z.strictObject({ sessionUuid: z.uuid(), terminalId: z.string().max(64), visible: z.boolean() });
export type Visible = z.infer<typeof Visible>;
/** `detach`. */
export const Detach = z.strictObject({ sessionUuid: z.uuid(), terminalId: z.string().max(64) });
export type Detach = z.infer<typeof Detach>;

/** An acknowledgement of a socket event: a value, or a problem with its stable code. */
export type SocketAnswer<T> = { ok: true; value: T } | { ok: false; code: string; detail: string };

/** Events that a client sends on /terminal. */
export interface TerminalClientEvents {
  attach: (message: Attach, answer: (result: SocketAnswer<Attached>) => void) => void;
  input: (message: Input) => void;
  resize: (message: Resize) => void;
  ack: (message: Ack) => void;
  visible: (message: Visible) => void;
  detach: (message: Detach) => void;
}
/** Events that the api sends on /terminal. Output is binary and may split UTF-8 sequences. */
export interface TerminalServerEvents {
  output: (message: { sessionUuid: string; terminalId: string; offset: number; data: Uint8Array }) => void;
  /** The client fell behind the ring: clear the screen, the next output starts at `offset`. */
  reset: (message: { sessionUuid: string; terminalId: string; offset: number }) => void;
  exit: (message: { sessionUuid: string; terminalId: string; exitCode: number | null }) => void;
  /** The session's agent is away; the api reconnects and attaches again by itself. */
  interrupted: (message: { sessionUuid: string; terminalId: string }) => void;
  resumed: (message: { sessionUuid: string; terminalId: string; lastInputSeq: number }) => void;
  /** The program's terminal has all input up to `seq`; told at times, not of every key. */
  taken: (message: { sessionUuid: string; terminalId: string; seq: number }) => void;
  /** The terminal does not exist any more, or may not be seen any more. */
  gone: (message: { sessionUuid: string; terminalId: string; code: string }) => void;
}
