/** Bytes before a frame's payload: u32 length of the payload, u8 type, u32 channel, all big-endian. */
export const FRAME_HEADER_BYTES = 9;
const SLAB_BYTES = 32 * 1024;
const SMALL_BYTES = SLAB_BYTES / 4;
/** The longest payload. A longer one is refused before any of it is kept. */
export const MAX_FRAME_PAYLOAD_BYTES = 256 * 1024;

/**
 * Types of frames. `open` begins a channel with its request; `message` is JSON and `data` raw bytes, both paid with credit;
 * `output` and `input` carry a terminal's bytes, which its acknowledged offset pays for; `end`: the sender sends no more on
 * this channel; `error`: the channel is over, and why; `close`: the receiver wants no more; `credit` allows so many more bytes.
 */
export const FRAME_TYPES = {
  hello: 1,
  open: 2,
  message: 3,
  data: 4,
  end: 5,
  error: 6,
  close: 7,
  credit: 8,
  ping: 9,
  pong: 10,
  output: 11,
  input: 12,
} as const;
/** The name of a frame's type. */
export type FrameType = keyof typeof FRAME_TYPES;

const encoder = new TextEncoder();
const TYPE_NAMES = new Map(Object.entries(FRAME_TYPES).map(([name, code]) => [code as number, name as FrameType]));

/** One unit of the stream between the control plane and an agent. Channel 0 belongs to the stream itself. */
export interface Frame {
  type: FrameType;
  channel: number;
  payload: Uint8Array;
}

/** The peer does not keep to the protocol; the stream cannot go on. */
export class ProtocolError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ProtocolError';
  }
}

/** The frame as bytes. Throws a ProtocolError when the payload is too long. */
export function encodeFrame(frame: Frame): Uint8Array {
  if (frame.payload.byteLength > MAX_FRAME_PAYLOAD_BYTES) {
    throw new ProtocolError(`A frame of ${frame.payload.byteLength} bytes is too long.`);
  }
  const bytes = takeMemory(FRAME_HEADER_BYTES + frame.payload.byteLength);
  writeUint32(bytes, 0, frame.payload.byteLength);
  bytes[4] = FRAME_TYPES[frame.type];
  writeUint32(bytes, 5, frame.channel);
  bytes.set(frame.payload, FRAME_HEADER_BYTES);
  return bytes;
}

/** A value as the JSON of a payload. */
export function encodeJson(value: unknown): Uint8Array {
  const text = JSON.stringify(value);
  // A UTF-16 unit takes three bytes at most; what is left of them is given back.
  const most = 3 * text.length;
  if (most > SMALL_BYTES) return encoder.encode(text);
  const memory = takeMemory(most);
  const { written } = encoder.encodeInto(text, memory);
  slabUsed -= most - written;
  return memory.subarray(0, written);
}

/** Memory that small frames are cut from: one allocation for each would cost more than all else that sending them does. */
let slab = new Uint8Array(0);
let slabUsed = 0;

function takeMemory(length: number): Uint8Array {
  if (length > SMALL_BYTES) return new Uint8Array(length);
  if (slabUsed + length > slab.byteLength) {
    slab = new Uint8Array(SLAB_BYTES);
    slabUsed = 0;
  }
  slabUsed += length;
  return slab.subarray(slabUsed - length, slabUsed);
}

function writeUint32(bytes: Uint8Array, start: number, value: number): void {
  bytes[start] = value >>> 24;
  bytes[start + 1] = value >>> 16;
  bytes[start + 2] = value >>> 8;
  bytes[start + 3] = value;
}

/** Cuts a stream of bytes into frames, wherever the chunks are split. */
export class FrameDecoder {
  /** Begins with the bytes that wait for the rest of their frame; what follows them is room. */
  #pending: Uint8Array = new Uint8Array(0);
  #pendingBytes = 0;
  /** With so many there is something to decode: a header, or the whole of the frame whose header is there. */
  #neededBytes = FRAME_HEADER_BYTES;

  /**
   * The frames that the chunk completes. Payloads may share the chunk's memory. Throws a ProtocolError at a header that
   * announces too long a payload or an unknown type; nothing can be decoded after that.
   */
  push(chunk: Uint8Array): Frame[] {
    if (this.#pendingBytes > 0 && this.#pendingBytes + chunk.byteLength < this.#neededBytes) {
      this.#keep(chunk);
      return [];
    }
    const pending = this.#pending.subarray(0, this.#pendingBytes);
    const bytes = pending.byteLength === 0 ? chunk : concatenate(pending, chunk);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const frames: Frame[] = [];
    let start = 0;
    while (bytes.byteLength - start >= FRAME_HEADER_BYTES) {
      const { length, type } = readHeader(view, start);
      const end = start + FRAME_HEADER_BYTES + length;
      if (bytes.byteLength < end) break;
      frames.push({
        type,
        channel: view.getUint32(start + 5),
        payload: bytes.subarray(start + FRAME_HEADER_BYTES, end),
      });
      start = end;
    }
    this.#pending = bytes.subarray(start);
    this.#pendingBytes = this.#pending.byteLength;
    const isHeaderThere = this.#pendingBytes >= FRAME_HEADER_BYTES;
    this.#neededBytes = FRAME_HEADER_BYTES + (isHeaderThere ? readHeader(view, start).length : 0);
    return frames;
  }

  /** Bytes that wait for the rest of their frame. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Adds to what waits. Room is doubled: to copy all of it for every chunk would let a sender of single bytes stop this process. */
  #keep(chunk: Uint8Array): void {
    const end = this.#pendingBytes + chunk.byteLength;
    if (end > this.#pending.byteLength) {
      const larger = new Uint8Array(Math.min(this.#neededBytes, Math.max(end, 2 * this.#pendingBytes)));
      larger.set(this.#pending.subarray(0, this.#pendingBytes));
      this.#pending = larger;
    }
    this.#pending.set(chunk, this.#pendingBytes);
    this.#pendingBytes = end;
  }
}

function readHeader(view: DataView, start: number): { length: number; type: FrameType } {
  const length = view.getUint32(start);
  if (length > MAX_FRAME_PAYLOAD_BYTES) throw new ProtocolError(`A frame of ${length} bytes is too long.`);
  const type = TYPE_NAMES.get(view.getUint8(start + 4));
  if (type === undefined) throw new ProtocolError(`A frame has the unknown type ${view.getUint8(start + 4)}.`);
  return { length, type };
}

function concatenate(left: Uint8Array, right: Uint8Array): Uint8Array {
  const whole = new Uint8Array(left.byteLength + right.byteLength);
  whole.set(left);
  whole.set(right, left.byteLength);
  return whole;
}
