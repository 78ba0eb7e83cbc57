import { encodeJson, MAX_FRAME_PAYLOAD_BYTES, ProtocolError, type FrameType } from '#shared/domain/frames.ts';

/** Bytes of messages and data that each side may send on a channel before the other has taken any. */
export const CHANNEL_WINDOW_BYTES = 256 * 1024;
/** Credit goes back once so much was used: a frame for each part used would be as many frames as the parts. */
const CREDIT_EVERY_BYTES = CHANNEL_WINDOW_BYTES / 4;
/** Data is cut into pieces of this size, so that channels take turns on the stream. */
export const DATA_PIECE_BYTES = 32 * 1024;
/** A peer that has this much more under way than it was allowed breaks the protocol. */
const OVERDRAFT_BYTES = 2 * MAX_FRAME_PAYLOAD_BYTES;

/** Why a channel ended early: a stable code, and a sentence. */
export class ChannelError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'ChannelError';
    this.code = code;
  }
}

/** What one side does with the frames of a channel. Exactly one of `ended` and `failed` comes last, unless the side closed it. */
export interface ChannelReceiver {
  /** JSON; `bytes` is what it took of the credit, to be granted again once it is used. */
  message?(value: unknown, bytes: number): void;
  data?(bytes: Uint8Array): void;
  /** A terminal's output. */
  output?(bytes: Uint8Array): void;
  /** A terminal's input with its number. */
  input?(seq: number, bytes: Uint8Array): void;
  /** The other side sends no more. */
  ended?(): void;
  /** The other side wants no more. */
  closed?(): void;
  /** The channel or the whole stream broke. */
  failed(error: ChannelError): void;
}

type SendFrame = (type: FrameType, channel: number, payload: Uint8Array) => void;

const decoder = new TextDecoder();
const EMPTY = new Uint8Array(0);

/** One conversation on a stream, with credit in bytes for each direction: a slow reader stalls only its own channel. */
export class Channel {
  readonly id: number;
  #send: SendFrame;
  #forget: () => void;
  #receiver: ChannelReceiver;
  #credit = CHANNEL_WINDOW_BYTES;
  #unread = 0;
  #owedCredit = 0;
  #waiting: (() => void)[] = [];
  #failure: ChannelError | null = null;
  #over = false;
  #sentEnd = false;
  #gotEnd = false;

  constructor(id: number, options: { send: SendFrame; forget: () => void; receiver: ChannelReceiver }) {
    this.id = id;
    this.#send = options.send;
    this.#forget = options.forget;
    this.#receiver = options.receiver;
  }

  /** True once nothing can be sent any more. */
  get over(): boolean {
    return this.#over || this.#sentEnd;
  }

  /** Sets who takes the frames; the opener's side does so at once. */
  receiveWith(receiver: ChannelReceiver): void {
    this.#receiver = receiver;
  }

  /** Sends JSON when there is credit. Rejects with a ChannelError when the channel breaks. */
  async send(value: unknown): Promise<void> {
    await this.#awaitCredit();
    this.post(value);
  }

  /** Sends JSON at once, whatever the credit: for small answers and notices. Nothing happens on a channel that is over. */
  post(value: unknown): void {
    const payload = encodeJson(value);
    if (this.over) return;
    this.#credit -= payload.byteLength;
    this.#send('message', this.id, payload);
  }

  /** Sends bytes as credit allows. Rejects with a ChannelError when the channel breaks. */
  async sendData(bytes: Uint8Array): Promise<void> {
    for (let start = 0; start < bytes.byteLength; start += DATA_PIECE_BYTES) {
      await this.#awaitCredit();
      const piece = bytes.subarray(start, start + DATA_PIECE_BYTES);
      this.#credit -= piece.byteLength;
      this.#send('data', this.id, piece);
    }
  }

  /** Sends a terminal's output; the caller keeps to the reader's window. */
  sendOutput(bytes: Uint8Array): void {
    if (!this.over) this.#send('output', this.id, bytes);
  }

  /** Sends a terminal's input with its number. */
  sendInput(seq: number, bytes: Uint8Array): void {
    if (this.over) return;
    const payload = new Uint8Array(8 + bytes.byteLength);
    new DataView(payload.buffer).setBigUint64(0, BigInt(seq));
    payload.set(bytes, 8);
    this.#send('input', this.id, payload);
  }

  /** Allows the other side so many more bytes: what was received has been used. */
  grant(bytes: number): void {
    if (bytes === 0 || this.#over || this.#gotEnd) return;
    this.#unread -= bytes;
    this.#owedCredit += bytes;
    if (this.#owedCredit < CREDIT_EVERY_BYTES) return;
    const payload = new Uint8Array(4);
    new DataView(payload.buffer).setUint32(0, this.#owedCredit);
    this.#owedCredit = 0;
    this.#send('credit', this.id, payload);
  }

  /** Says that this side sends no more. */
  end(): void {
    if (this.over) return;
    this.#send('end', this.id, EMPTY);
    this.#sentEnd = true;
    if (this.#gotEnd) this.#finish();
  }

  /** Ends the channel with an error that the other side gets. */
  fail(code: string, message: string): void {
    if (this.#over) return;
    this.#send('error', this.id, encodeJson({ code, message: message.slice(0, 2_000) }));
    this.#finish();
  }

  /** Says that this side wants no more; nothing is received after it. */
  close(): void {
    if (this.#over) return;
    this.#send('close', this.id, EMPTY);
    this.#finish();
  }

  /** Takes a frame of this channel. Throws a ProtocolError when the other side breaks the rules. */
  receive(type: FrameType, payload: Uint8Array): void {
    if (this.#over) return;
    if (type === 'message') {
      this.#count(payload.byteLength);
      this.#receiver.message?.(parseJson(payload), payload.byteLength);
    } else if (type === 'data') {
      this.#count(payload.byteLength);
      this.#receiver.data?.(payload);
    } else if (type === 'output') {
      this.#receiver.output?.(payload);
    } else if (type === 'input') {
      this.#receiveInput(payload);
    } else if (type === 'credit') {
      this.#receiveCredit(payload);
    } else this.#receiveEnding(type, payload);
  }

  /** Breaks the channel from outside: the stream ended. */
  break(error: ChannelError): void {
    if (this.#over) return;
    this.#failure = error;
    this.#finish();
    this.#receiver.failed(error);
  }

  #receiveEnding(type: FrameType, payload: Uint8Array): void {
    if (type === 'end') {
      this.#gotEnd = true;
      if (this.#sentEnd) this.#finish();
      this.#receiver.ended?.();
    } else if (type === 'close') {
      this.#failure = new ChannelError('CLOSED', 'The other side wants no more.');
      this.#finish();
      this.#receiver.closed?.();
    } else if (type === 'error') {
      this.break(parseError(payload));
    } else throw new ProtocolError(`A frame of type ${type} does not belong to a channel.`);
  }

  #receiveInput(payload: Uint8Array): void {
    if (payload.byteLength < 8) throw new ProtocolError('An input has no number.');
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    this.#receiver.input?.(Number(view.getBigUint64(0)), payload.subarray(8));
  }

  #receiveCredit(payload: Uint8Array): void {
    if (payload.byteLength !== 4) throw new ProtocolError('A credit is malformed.');
    this.#credit += new DataView(payload.buffer, payload.byteOffset, 4).getUint32(0);
    if (this.#credit > 0) this.#wake();
  }

  #count(bytes: number): void {
    this.#unread += bytes;
    if (this.#unread > CHANNEL_WINDOW_BYTES + OVERDRAFT_BYTES) {
      throw new ProtocolError(`Channel ${this.id} has more under way than it was allowed.`);
    }
  }

  async #awaitCredit(): Promise<void> {
    while (this.#credit <= 0 && !this.over) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.over) throw this.#failure ?? new ChannelError('CLOSED', 'The channel is closed.');
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }

  #finish(): void {
    this.#over = true;
    this.#wake();
    this.#forget();
  }
}

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(payload)) as unknown;
  } catch {
    throw new ProtocolError('A message is not valid JSON.');
  }
}

function parseError(payload: Uint8Array): ChannelError {
  const value = parseJson(payload) as { code?: unknown; message?: unknown } | null;
  const code = typeof value?.code === 'string' ? value.code.slice(0, 64) : 'INTERNAL';
  const message = typeof value?.message === 'string' ? value.message.slice(0, 2_000) : 'The channel failed.';
  return new ChannelError(code, message);
}
