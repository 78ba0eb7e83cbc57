import { randomUUID } from 'node:crypto';
import { io } from 'socket.io-client';
import { Acknowledger } from '#shared/domain/terminalFlow.ts';
import type { HttpPerson } from '#tests/e2e/httpPerson.ts';

const SIZE = { cols: 120, rows: 30 };

/** Somebody at a terminal, over the same socket as the browser. */
export interface Typist {
  /** Types a line. */
  line(text: string): void;
  /** Presses one key. */
  key(text: string): void;
  /** Everything that the terminal has shown so far. */
  shown(): string;
  /** Resolves once more than so many characters were shown; within ten seconds, or rejects. */
  more(length: number): Promise<void>;
  leave(): void;
}

/** Opens a terminal in a running session and attaches to it. */
export async function typist(url: string, person: HttpPerson, sessionUuid: string): Promise<Typist> {
  const made = await person.request('POST', `/api/v1/sessions/${sessionUuid}/terminals`, {});
  const terminalId = (made.body as { id: string }).id;
  const socket = io(`${url}/terminal`, {
    transports: ['websocket'],
    extraHeaders: { cookie: person.cookie(), origin: url },
  });
  let shown = '';
  let seq = 0;
  const acknowledger = new Acknowledger((offset) => void socket.emit('ack', { sessionUuid, terminalId, offset }));
  socket.on('output', ({ offset, data }: { offset: number; data: Buffer }) => {
    shown += data.toString();
    acknowledger.took(offset + data.byteLength);
  });
  const attach = { sessionUuid, terminalId, clientId: randomUUID(), offset: null, size: SIZE, visible: true };
  const answer = (await socket.timeout(10_000).emitWithAck('attach', attach)) as { ok: boolean };
  if (!answer.ok) throw new Error(`the terminal was refused: ${JSON.stringify(answer)}`);
  const key = (text: string): void =>
    void socket.emit('input', { sessionUuid, terminalId, seq: (seq += 1), data: Buffer.from(text) });
  return {
    line: (text) => key(`${text}\n`),
    key,
    shown: () => shown,
    more: async (length) => {
      const signal = AbortSignal.timeout(10_000);
      while (shown.length <= length) {
        await new Promise<void>((resolve, reject) => {
          signal.onabort = () => reject(new Error('nothing more was shown'));
          socket.once('output', () => resolve());
        });
      }
    },
    leave: () => {
      acknowledger.stop();
      socket.disconnect();
    },
  };
}
