import { setTimeout as pause } from 'node:timers/promises';
import type { ApiDeps } from '#api/deps.ts';
import { agentOf } from '#api/commands/terminals.ts';
import type { Caller } from '#api/http/route.ts';
import { loadOwnSession } from '#api/policies/sessionPolicy.ts';
import { watchCopyRights } from '#api/terminal/copyRights.ts';
import { createInputLog, type InputLog } from '#api/terminal/inputLog.ts';
import type { Attach, Attached, TerminalServerEvents, TerminalSize } from '#shared/contracts/terminal.ts';
import { isAppError } from '#shared/domain/errors.ts';
import type { TerminalAttachment, TerminalListener } from '#platform/agent/AgentClient.ts';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;
/** Errors after which coming back is hopeless: the terminal, the session or the right to it is gone. */
const FINAL_CODES = [
  'TERMINAL_NOT_FOUND',
  'NOT_FOUND',
  'SESSION_NOT_OPEN',
  'STALE_GENERATION',
  'RUNNING_COPY_OVER',
] as const;

/** Says something about this terminal to its browser. */
export type Tell = <Event extends keyof TerminalServerEvents>(
  event: Event,
  message: Omit<Parameters<TerminalServerEvents[Event]>[0], 'sessionUuid' | 'terminalId'>,
) => void;

/** One browser's hold on one terminal. It outlives the stream to the agent: after an interruption it attaches again. */
export interface TerminalLink {
  /** Joins the terminal; nothing is told to the browser before `begin`. Rejects as the policy and the agent do. */
  join(): Promise<Attached>;
  /** The browser knows where it stands: output may flow. */
  begin(): void;
  input(seq: number, data: Uint8Array): void;
  resize(size: TerminalSize): void;
  ack(offset: number): void;
  visible(visible: boolean): void;
  /** Ends the link. `lost`: the browser vanished, so that its unacknowledged tail is kept for its return. */
  close(end: 'left' | 'lost'): void;
}

/** What a link works with. `ended`: it is over by itself, its place is free. */
export interface TerminalLinkOptions {
  deps: ApiDeps;
  caller: () => Caller;
  request: Attach;
  tell: Tell;
  ended: () => void;
}

/** Makes a link; `join` comes first. */
export function createTerminalLink({ deps, caller, request, tell, ended }: TerminalLinkOptions): TerminalLink {
  let attachment: TerminalAttachment | null = null;
  let inputs: InputLog = createInputLog(0);
  let generation: number | null = null;
  let size = request.size;
  let visible = request.visible;
  let received = request.offset;
  let waiting: (() => void)[] | null = [];
  let closed = false;
  let stopRightsWatch: () => void = () => undefined;

  /** Runs at once, or in order after `begin`. */
  function inOrder(say: () => void): void {
    if (closed) return;
    if (waiting) waiting.push(say);
    else say();
  }

  function listen(): TerminalListener {
    let current = true;
    return {
      output(offset, data) {
        if (!current) return;
        received = offset + data.byteLength;
        // The agent has gathered it already: at once after a quiet moment, else up to 8 ms or 16 KiB.
        inOrder(() => tell('output', { offset, data }));
      },
      reset(offset) {
        if (!current) return;
        received = offset;
        inOrder(() => tell('reset', { offset }));
      },
      exit(exitCode) {
        if (!current) return;
        inOrder(() => tell('exit', { exitCode }));
      },
      taken(seq) {
        if (!current) return;
        inputs.after(seq);
        inOrder(() => tell('taken', { seq }));
      },
      closed() {
        if (!current) return;
        current = false;
        attachment = null;
        inOrder(() => {
          tell('interrupted', {});
          void comeBack();
        });
      },
    };
  }

  async function attach(): Promise<TerminalAttachment> {
    const session = await loadOwnSession(deps, caller(), request.sessionUuid);
    // Another opening has other terminals, even where an id should come again.
    if (generation !== null && generation !== session.generation) throw new TerminalGoneError();
    const agent = await agentOf(deps, session);
    const { terminalId, clientId } = request;
    const options = { clientId, offset: received, size, counts: visible };
    const joined = await agent.attach(terminalId, options, listen());
    if (closed) {
      joined.detach();
      throw new TerminalGoneError();
    }
    if (generation === null) stopRightsWatch = watchCopyRights(deps, session, () => finish('RUNNING_COPY_OVER'));
    generation = session.generation;
    attachment = joined;
    return joined;
  }

  async function comeBack(): Promise<void> {
    for (let wait = FIRST_RETRY_MS; !closed; wait = Math.min(wait * 2, LAST_RETRY_MS)) {
      try {
        const joined = await attach();
        if (joined.reset) tell('reset', { offset: joined.offset });
        for (const { seq, data } of inputs.after(joined.lastInputSeq)) joined.input(seq, data);
        tell('resumed', { lastInputSeq: joined.lastInputSeq });
        return;
      } catch (error) {
        const code = finalCode(error);
        if (code !== null) return finish(code);
        deps.log.debug({ err: error, terminalId: request.terminalId }, 'a terminal is not back yet');
        // Not unref'd waiting would keep a closing process alive; the socket's end sets `closed`.
        await pause(wait, undefined, { ref: false });
      }
    }
  }

  function finish(code: string): void {
    if (closed) return;
    tell('gone', { code });
    close('left');
    ended();
  }

  function close(end: 'left' | 'lost'): void {
    closed = true;
    stopRightsWatch();
    if (end === 'lost') attachment?.drop();
    else attachment?.detach();
    attachment = null;
  }

  return {
    async join() {
      const joined = await attach();
      inputs = createInputLog(joined.lastInputSeq);
      const { lastInputSeq, offset, reset, end, inputWindow } = joined;
      return {
        lastInputSeq,
        offset,
        reset,
        ...(end === undefined ? {} : { end }),
        ...(inputWindow === undefined ? {} : { inputWindow }),
      };
    },
    begin() {
      const said = waiting ?? [];
      waiting = null;
      for (const say of said) say();
    },
    input(seq, data) {
      if (inputs.add({ seq, data })) attachment?.input(seq, data);
    },
    resize(next) {
      size = next;
      attachment?.resize(next);
    },
    ack: (offset) => attachment?.ack(offset),
    visible(next) {
      visible = next;
      attachment?.counts(next);
    },
    close,
  };
}

class TerminalGoneError extends Error {}

function finalCode(error: unknown): string | null {
  if (error instanceof TerminalGoneError) return 'TERMINAL_NOT_FOUND';
  return FINAL_CODES.find((code) => isAppError(error, code)) ?? null;
}
