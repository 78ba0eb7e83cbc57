import { randomUUID } from 'node:crypto';
import { io } from 'socket.io-client';
import type { Attached, SocketAnswer } from '#shared/contracts/terminal.ts';
import { Acknowledger } from '#shared/domain/terminalFlow.ts';
import type { HttpPerson } from '#tests/e2e/httpPerson.ts';

const SIZE = { cols: 120, rows: 30 };
/** Characters that are kept of what was shown: a flood would fill the memory. */
const TAIL_LENGTH = 20_000;

/** Where a terminal is and who looks at it; `cookie` as a header has it. */
export interface TerminalPlace {
  url: string;
  cookie: string;
  sessionUuid: string;
  terminalId: string;
}

/** Somebody at a terminal who keeps only the end of what it shows. */
export interface TerminalClient {
  type(text: string): void;
  /** The end of what was shown. */
  tail(): string;
  /** Bytes that were received. */
  received(): number;
  /** Resolves in the moment in which the condition becomes true by output; within `deadlineMs`, or rejects. */
  shows(condition: (tail: string) => boolean, deadlineMs?: number): Promise<void>;
  leave(): void;
}

/** Starts a shell in a new terminal of a running session; answers its id. */
export async function newTerminal(person: HttpPerson, sessionUuid: string): Promise<string> {
  const made = await person.request('POST', `/api/v1/sessions/${sessionUuid}/terminals`, {});
  if (made.status !== 201) throw new Error(`no terminal: ${JSON.stringify(made)}`);
  return (made.body as { id: string }).id;
}

/** Joins a terminal. Without `acknowledges` it takes output and never says so. */
export async function joinTerminal(
  { url, cookie, ...names }: TerminalPlace,
  { visible = true, acknowledges = true }: { visible?: boolean; acknowledges?: boolean } = {},
): Promise<TerminalClient> {
  const socket = io(`${url}/terminal`, {
    transports: ['websocket'],
    forceNew: true,
    extraHeaders: { cookie, origin: url },
  });
  let tail = '';
  let received = 0;
  let seq = 0;
  let shown = (): void => undefined;
  const acknowledger = new Acknowledger((offset) => void socket.emit('ack', { ...names, offset }));
  socket.on('output', ({ offset, data }: { offset: number; data: Buffer }) => {
    tail = (tail + data.toString('latin1')).slice(-TAIL_LENGTH);
    received += data.byteLength;
    if (acknowledges) acknowledger.took(offset + data.byteLength);
    shown();
  });
  const attach = { ...names, clientId: randomUUID(), offset: null, size: SIZE, visible };
  const answer = (await socket.timeout(20_000).emitWithAck('attach', attach)) as SocketAnswer<Attached>;
  if (!answer.ok) throw new Error(`the terminal was refused: ${answer.code}`);
  return {
    type: (text) => void socket.emit('input', { ...names, seq: (seq += 1), data: Buffer.from(text) }),
    tail: () => tail,
    received: () => received,
    async shows(condition, deadlineMs = 30_000) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const timer = setTimeout(() => reject(new Error(`The terminal shows ${JSON.stringify(tail)}.`)), deadlineMs);
      shown = () => condition(tail) && resolve();
      shown();
      await promise.finally(() => {
        clearTimeout(timer);
        shown = () => undefined;
      });
    },
    leave: () => {
      acknowledger.stop();
      socket.disconnect();
    },
  };
}
