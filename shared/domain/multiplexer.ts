import { Channel, ChannelError, type ChannelReceiver } from '#shared/domain/channel.ts';
import {
  encodeFrame,
  encodeJson,
  FrameDecoder,
  MAX_FRAME_PAYLOAD_BYTES,
  ProtocolError,
} from '#shared/domain/frames.ts';
import type { Frame, FrameType } from '#shared/domain/frames.ts';

/** Channels that one stream may have at once. */
const MAX_CHANNELS = 1_024;

/** What a multiplexer works on: where its bytes go, and what it tells. */
export interface MultiplexerOptions {
  /** Takes bytes for the other side. */
  write(bytes: Uint8Array): void;
  /** The other side said hello. */
  hello(value: unknown): void;
  /** The other side opened a channel with this request; the answer takes its frames. Absent: nothing may be opened. */
  opened?(channel: Channel, request: unknown): ChannelReceiver;
}

const decoder = new TextDecoder();
const EMPTY = new Uint8Array(0);

/** Many channels on one stream of bytes. Does no I/O itself; both the control plane and the agent use it. */
export class Multiplexer {
  #options: MultiplexerOptions;
  #decoder = new FrameDecoder();
  #channels = new Map<number, Channel>();
  #nextChannel = 1;
  #highestOpened = 0;
  #broken: ChannelError | null = null;

  constructor(options: MultiplexerOptions) {
    this.#options = options;
  }

  /** Takes bytes of the other side. Throws a ProtocolError when they break the rules: the caller ends the stream. */
  receive(chunk: Uint8Array): void {
    for (const frame of this.#decoder.push(chunk)) this.#dispatch(frame);
  }

  /** Says hello: the first frame of each side. */
  hello(value: unknown): void {
    this.#send('hello', 0, encodeJson(value));
  }

  /** Asks the other side for a sign of life. */
  ping(): void {
    this.#send('ping', 0, EMPTY);
  }

  /** Opens a channel. Throws a ChannelError when the stream is broken or the request is too long. */
  open(request: unknown, receiver: ChannelReceiver): Channel {
    if (this.#broken !== null) throw this.#broken;
    const payload = encodeJson(request);
    if (payload.byteLength > MAX_FRAME_PAYLOAD_BYTES)
      throw new ChannelError('INVALID_INPUT', 'The request is too long.');
    const id = this.#nextChannel;
    this.#nextChannel += 1;
    const channel = this.#add(id, receiver);
    this.#send('open', id, payload);
    return channel;
  }

  /** Fails every channel: the stream has ended. */
  break(error: ChannelError): void {
    if (this.#broken !== null) return;
    this.#broken = error;
    for (const channel of [...this.#channels.values()]) channel.break(error);
  }

  #add(id: number, receiver: ChannelReceiver): Channel {
    const channel = new Channel(id, {
      send: (type, target, payload) => this.#send(type, target, payload),
      forget: () => this.#channels.delete(id),
      receiver,
    });
    this.#channels.set(id, channel);
    return channel;
  }

  #send(type: FrameType, channel: number, payload: Uint8Array): void {
    if (this.#broken === null) this.#options.write(encodeFrame({ type, channel, payload }));
  }

  #dispatch(frame: Frame): void {
    if (frame.type === 'ping') this.#send('pong', 0, EMPTY);
    else if (frame.type === 'hello') this.#options.hello(parseJson(frame.payload));
    else if (frame.type === 'open') this.#accept(frame);
    // A channel that this side has ended already may still get frames that were under way.
    else if (frame.type !== 'pong') this.#channels.get(frame.channel)?.receive(frame.type, frame.payload);
  }

  #accept(frame: Frame): void {
    if (this.#options.opened === undefined) throw new ProtocolError('This side takes no requests.');
    if (frame.channel <= this.#highestOpened) throw new ProtocolError(`Channel ${frame.channel} was used before.`);
    this.#highestOpened = frame.channel;
    const channel = this.#add(frame.channel, { failed: () => undefined });
    if (this.#channels.size > MAX_CHANNELS) {
      channel.fail('TOO_MANY_CHANNELS', `A stream has at most ${MAX_CHANNELS} channels.`);
      return;
    }
    channel.receiveWith(this.#options.opened(channel, parseJson(frame.payload)));
  }
}

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(payload)) as unknown;
  } catch {
    throw new ProtocolError('A control frame is not valid JSON.');
  }
}
