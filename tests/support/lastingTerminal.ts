import { randomUUID } from 'node:crypto';
import { io } from 'socket.io-client';
import type { WebSocket } from 'ws';
import type { Attached, SocketAnswer } from '#shared/contracts/terminal.ts';
import type { HttpPerson } from '#tests/e2e/httpPerson.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const SIZE = { cols: 120, rows: 30 };
const ANSWER_MS = 5_000;
const STUCK_MS = 60_000;

/** A terminal as the browser's page keeps it: it joins again by itself at the byte where it was cut off. */
export interface LastingTerminal {
  /** Types; what the shell has not been given when the connection breaks is sent again under its number. */
  type(text: string): void;
  /** Every byte since the terminal began. Throws when one was missed, or came twice. */
  bytes(): Buffer;
  /** Resolves once the text was shown. */
  shows(text: string | RegExp, deadlineMs?: number): Promise<string>;
  /** The offset after the last byte that was received. */
  received(): number;
  /** Resolves in the moment in which more than so many bytes were received; rejects when none come for a minute. */
  receives(bytes: number): Promise<void>;
  /** Breaks the connection without a word, as a network does. */
  cut(): void;
  /** Times at which the connection was lost, and at which the first output came after it, in milliseconds. */
  breaks: { lostAt: number; resumedAt: number | null }[];
  leave(): void;
}

/** Opens a terminal in a running session and joins it. */
export async function lastingTerminal(url: string, person: HttpPerson, sessionUuid: string): Promise<LastingTerminal> {
  const made = await person.request('POST', `/api/v1/sessions/${sessionUuid}/terminals`, {});
  if (made.status !== 201) throw new Error(`no terminal: ${JSON.stringify(made)}`);
  const terminalId = (made.body as { id: string }).id;
  const names = { sessionUuid, terminalId };
  const clientId = randomUUID();
  const chunks: Buffer[] = [];
  const breaks: LastingTerminal['breaks'] = [];
  const problems: string[] = [];
  let unsent: { seq: number; data: Buffer }[] = [];
  let seq = 0;
  let end = 0;
  let joined = false;
  let awaited: { bytes: number; reached: () => void } | null = null;

  const socket = io(`${url}/terminal`, {
    transports: ['websocket'],
    extraHeaders: { cookie: person.cookie(), origin: url },
    // As the page has them.
    reconnectionDelay: 400,
    reconnectionDelayMax: 4_000,
    timeout: 3_000,
  });
  socket.on('output', ({ offset, data }: { offset: number; data: Buffer }) => {
    if (offset !== end) problems.push(`output at ${String(offset)} follows on ${String(end)}`);
    chunks.push(Buffer.from(data));
    end = offset + data.byteLength;
    const last = breaks.at(-1);
    if (last) last.resumedAt ??= Date.now();
    socket.emit('ack', { ...names, offset: end });
    if (awaited && end > awaited.bytes) awaited.reached();
  });
  socket.on('reset', ({ offset }: { offset: number }) => problems.push(`a reset to ${String(offset)}`));
  socket.on('gone', ({ code }: { code: string }) => problems.push(`the terminal is gone: ${code}`));
  socket.on('connect', () => void join());
  socket.on('disconnect', () => {
    joined = false;
    breaks.push({ lostAt: Date.now(), resumedAt: null });
  });

  async function join(): Promise<void> {
    const message = { ...names, clientId, offset: end, size: SIZE, visible: true };
    const answer = (await socket
      .timeout(ANSWER_MS)
      .emitWithAck('attach', message)
      .catch(() => null)) as SocketAnswer<Attached> | null;
    // Cut off again, or no answer: the next connection joins.
    if (answer === null) return void socket.disconnect().connect();
    if (!answer.ok) return void problems.push(`the terminal was refused: ${answer.code}`);
    joined = true;
    unsent = unsent.filter((input) => input.seq > answer.value.lastInputSeq);
    for (const input of unsent) socket.emit('input', { ...names, ...input });
  }

  const bytes = (): Buffer => {
    if (problems.length > 0) throw new Error(problems.join('; '));
    return Buffer.concat(chunks);
  };
  await waitFor(() => joined, { deadlineMs: 20_000, what: 'the terminal to be joined' });
  return {
    type(text) {
      const input = { seq: (seq += 1), data: Buffer.from(text) };
      unsent.push(input);
      if (joined) socket.emit('input', { ...names, ...input });
    },
    bytes,
    async shows(text, deadlineMs = 20_000) {
      const found = (): boolean => {
        const shown = bytes().toString('utf8');
        return typeof text === 'string' ? shown.includes(text) : text.test(shown);
      };
      await waitFor(found, { deadlineMs, what: `${String(text)} in the terminal` }).catch((error: unknown) => {
        throw new Error(`the terminal shows:\n${Buffer.concat(chunks).toString('utf8')}\n${problems.join('; ')}`, {
          cause: error,
        });
      });
      return bytes().toString('utf8');
    },
    received: () => end,
    receives(bytes) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const timer = setTimeout(() => reject(new Error(`Stuck at byte ${end}: ${problems.join('; ')}`)), STUCK_MS);
      awaited = { bytes, reached: resolve };
      if (end > bytes) resolve();
      return promise.finally(() => {
        clearTimeout(timer);
        awaited = null;
      });
    },
    cut: () => (socket.io.engine.transport as unknown as { ws?: WebSocket }).ws?.terminate(),
    breaks,
    leave: () => void socket.disconnect(),
  };
}
