import { ChannelError, type Channel, type ChannelReceiver } from '#shared/domain/channel.ts';

/** A message or a piece of data, in the order of sending. */
export type Part = { message: unknown } | { data: Uint8Array };

/**
 * Reads a channel as an async iteration of its messages and data. Credit goes back when a part is taken, so a slow
 * consumer stalls the sender. Ends when the sender ended or closed; throws its ChannelError.
 */
export class FrameQueue implements ChannelReceiver, AsyncIterable<Part> {
  #parts: { part: Part; bytes: number }[] = [];
  #wake: (() => void) | null = null;
  #ended = false;
  #error: ChannelError | null = null;
  #channel: Channel | null = null;

  /** Names the channel that gets the credit back. */
  attach(channel: Channel): void {
    this.#channel = channel;
  }

  message(value: unknown, bytes: number): void {
    this.#push({ message: value }, bytes);
  }

  data(bytes: Uint8Array): void {
    this.#push({ data: bytes }, bytes.byteLength);
  }

  ended(): void {
    this.#ended = true;
    this.#notify();
  }

  closed(): void {
    this.failed(new ChannelError('CLOSED', 'The other side wants no more.'));
  }

  failed(error: ChannelError): void {
    this.#error ??= error;
    this.#notify();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Part> {
    for (;;) {
      const next = this.#parts.shift();
      if (next !== undefined) {
        this.#channel?.grant(next.bytes);
        yield next.part;
      } else if (this.#error !== null) throw this.#error;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #push(part: Part, bytes: number): void {
    this.#parts.push({ part, bytes });
    this.#notify();
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = null;
  }
}
