import { randomUUID } from 'node:crypto';
import type { AgentClient, TerminalAttachment } from '#platform/agent/AgentClient.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/** A reader of a terminal that keeps everything it was sent. */
export interface TerminalScreen {
  attachment: TerminalAttachment;
  /** Everything since the joining or the last reset. */
  bytes(): Buffer;
  text(): string;
  /** The offset after the last byte received. */
  offset(): number;
  resets: number[];
  exitCode: number | null | undefined;
  closed: boolean;
  /** The number up to which the program's terminal is told to have its input. */
  taken: number;
  type(text: string): void;
  /** Waits until the text has been printed, anywhere since the joining. */
  awaitText(text: string, deadlineMs?: number): Promise<void>;
}

/** How to join: defaults are a new client that counts and acknowledges everything at once. */
export interface ScreenOptions {
  clientId?: string;
  offset?: number | null;
  counts?: boolean;
  acknowledges?: boolean;
}

/** Joins a terminal as a page would. */
export async function openScreen(
  client: AgentClient,
  id: string,
  options: ScreenOptions = {},
): Promise<TerminalScreen> {
  let chunks: Buffer[] = [];
  let end = 0;
  let seq = 0;
  let attachment: TerminalAttachment | null = null;
  const size = { cols: 80, rows: 24 };
  const acknowledge = (): void => {
    if (options.acknowledges !== false) attachment?.ack(end);
  };
  const screen: Omit<TerminalScreen, 'attachment'> = {
    bytes: () => Buffer.concat(chunks),
    text: () => Buffer.concat(chunks).toString('utf8'),
    offset: () => end,
    resets: [],
    exitCode: undefined,
    closed: false,
    taken: 0,
    type: (text) => {
      seq += 1;
      attachment?.input(seq, Buffer.from(text));
    },
    awaitText: async (text, deadlineMs = 20_000) => {
      await waitFor(() => Buffer.concat(chunks).includes(text), { deadlineMs, what: JSON.stringify(text) });
    },
  };
  const joined = screen as TerminalScreen;
  joined.attachment = attachment = await client.attach(
    id,
    {
      clientId: options.clientId ?? randomUUID(),
      offset: options.offset ?? null,
      size,
      counts: options.counts ?? true,
    },
    {
      output: (offset, data) => {
        if (chunks.length > 0 && offset !== end) throw new Error(`Output at ${offset} does not follow on ${end}.`);
        chunks.push(Buffer.from(data));
        end = offset + data.byteLength;
        acknowledge();
      },
      reset: (offset) => {
        joined.resets.push(offset);
        chunks = [];
        end = offset;
      },
      exit: (exitCode) => (joined.exitCode = exitCode),
      taken: (upTo) => (joined.taken = upTo),
      closed: () => (joined.closed = true),
    },
  );
  seq = attachment.lastInputSeq;
  if (end < attachment.offset) end = attachment.offset;
  acknowledge();
  return joined;
}
