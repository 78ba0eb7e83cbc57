import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { z } from 'zod';
import { MAX_TERMINALS, type AgentTerminalMessage } from '#shared/contracts/agentProtocol.ts';
import type { TerminalSize } from '#shared/contracts/terminal.ts';
import { AgentFailure } from '#agent/failure.ts';
import { foregroundJob } from '#agent/processes/processTable.ts';
import { FIRST_TO_GO, programEnvironment, type ProgramPlace } from '#agent/processes/program.ts';
import type { PtyStarter } from '#agent/pty/nativePty.ts';
import { Terminal } from '#agent/pty/terminal.ts';
import { reportFailure } from '#agent/report.ts';

/** Terminals that have ended are kept for a look at their last output, as many as these. */
const MAX_ENDED = MAX_TERMINALS;
/** After SIGHUP a closed terminal's program gets so long. */
const CLOSE_GRACE_MS = 2_000;

/** What terminals are made with. */
export interface TerminalsOptions extends ProgramPlace {
  start: PtyStarter;
}

/** What the terminals have been doing, see `activity`. */
export interface TerminalActivity {
  outputMs: number | null;
  typedMs: number | null;
  foregroundJob: string | null;
}

/** The terminals of the session. */
export class Terminals {
  #options: TerminalsOptions;
  #terminals = new Map<string, Terminal>();
  /** When there was output last, and when a person typed last; null for never. */
  #lastOutputAt: number | null = null;
  #lastTypedAt: number | null = null;
  #closed = false;
  #made = 0;
  /** Tells the terminals of this start from those of one that ended with all its programs. */
  readonly #idPrefix = randomBytes(3).toString('hex');

  constructor(options: TerminalsOptions) {
    this.#options = options;
  }

  /** All of them, oldest first. */
  list(): z.infer<typeof AgentTerminalMessage>[] {
    return [...this.#terminals.values()].map(describeTerminal);
  }

  /** Starts a shell. Fails with TERMINAL_LIMIT beyond 16 that run, and with SESSION_NOT_RUNNING once the session ends. */
  open(name: string | null, size: TerminalSize): z.infer<typeof AgentTerminalMessage> {
    if (this.#closed) throw new AgentFailure('SESSION_NOT_RUNNING', 'The session is closing.');
    this.#forgetEnded();
    const running = [...this.#terminals.values()].filter((terminal) => terminal.running);
    if (running.length >= MAX_TERMINALS) {
      throw new AgentFailure('TERMINAL_LIMIT', `A session has at most ${MAX_TERMINALS} terminals.`);
    }
    this.#made += 1;
    const terminal = this.#start(name ?? `Terminal ${this.#made}`, size);
    this.#lastTypedAt = performance.now();
    this.#terminals.set(terminal.id, terminal);
    return describeTerminal(terminal);
  }

  /** The terminal. Fails with TERMINAL_NOT_FOUND. */
  get(id: string): Terminal {
    const terminal = this.#terminals.get(id);
    if (terminal === undefined) {
      const ended = id.startsWith(this.#idPrefix)
        ? 'The terminal has ended.'
        : "The terminal ended when the session's programs were started again.";
      throw new AgentFailure('TERMINAL_NOT_FOUND', ended);
    }
    return terminal;
  }

  /** Ends the terminal's program and forgets the terminal. */
  close(id: string): void {
    const terminal = this.get(id);
    this.#terminals.delete(id);
    terminal.hangUp('SIGHUP');
    setTimeout(() => terminal.hangUp('SIGKILL'), CLOSE_GRACE_MS).unref();
  }

  /** Starts nothing any more. */
  shut(): void {
    this.#closed = true;
  }

  /** True once nothing may be started. */
  get isShut(): boolean {
    return this.#closed;
  }

  /** Milliseconds since the last output, and since a person typed last, null for never; and a job in some terminal's foreground. */
  activity(): TerminalActivity {
    const jobs = [...this.#terminals.values()]
      .filter((terminal) => terminal.running)
      .map((terminal) => foregroundJob(terminal.pid));
    return {
      outputMs: since(this.#lastOutputAt),
      typedMs: since(this.#lastTypedAt),
      foregroundJob: jobs.find((job) => job !== null) ?? null,
    };
  }

  /** Milliseconds since the terminals were used last, null for never. */
  get quietMs(): number | null {
    return since(Math.max(this.#lastOutputAt ?? -Infinity, this.#lastTypedAt ?? -Infinity));
  }

  #start(name: string, size: TerminalSize): Terminal {
    const spec = {
      argv: shellCommand(),
      environment: shellEnvironment(this.#options),
      folder: this.#options.folder,
      size,
    };
    const id = this.#idPrefix + randomBytes(6).toString('hex');
    try {
      return new Terminal(this.#options.start, {
        id,
        name,
        spec,
        hears: {
          output: () => (this.#lastOutputAt = performance.now()),
          typed: () => (this.#lastTypedAt = performance.now()),
        },
      });
    } catch (error) {
      // The kernel refuses another process or pseudo-terminal: the person's own programs have them all.
      reportFailure(error);
      throw new AgentFailure('TERMINAL_LIMIT', 'The session can start no more programs. End some, and try again.');
    }
  }

  #forgetEnded(): void {
    const ended = [...this.#terminals.values()].filter((terminal) => !terminal.running);
    for (const terminal of ended.slice(0, Math.max(0, ended.length - MAX_ENDED + 1))) {
      this.#terminals.delete(terminal.id);
    }
  }
}

/** Milliseconds since a time of the clock; null for one that never was. */
function since(time: number | null): number | null {
  return time === null || time === -Infinity ? null : performance.now() - time;
}

function describeTerminal(terminal: Terminal): z.infer<typeof AgentTerminalMessage> {
  const { id, name, title, running, exitCode } = terminal;
  return { id, name, title, running, exitCode, ...terminal.range };
}

/** The shell, after making itself the first to go when memory runs out. */
function shellCommand(): [string, ...string[]] {
  const shell = ['/bin/bash', '/usr/bin/bash'].find((path) => existsSync(path)) ?? '/bin/sh';
  return ['/bin/sh', '-c', `${FIRST_TO_GO}; exec "$0" -i`, shell];
}

function shellEnvironment(place: ProgramPlace): Record<string, string> {
  return {
    ...programEnvironment(place),
    TERM: 'xterm-256color',
    COLORTERM: 'truecolor',
    PS1: '\\[\\e[36m\\]\\w\\[\\e[0m\\] $ ',
  };
}
