import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, unlinkSync } from 'node:fs';
import type { RecordingState } from '#shared/contracts/agentProtocol.ts';
import { MAX_HELD_RECORDINGS, type RecordingEnd } from '#shared/domain/recording.ts';
import { AgentFailure, systemCode } from '#agent/failure.ts';
import { within, type Workspace } from '#agent/files/folders.ts';
import { recordingIdOf, recordingName } from '#agent/files/reserved.ts';
import type { Terminals } from '#agent/pty/terminals.ts';
import { Recording, type RecordingLimits } from '#agent/recordings/recording.ts';

const NEW_FILE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** Not waiting: a program may have put a fifo in its place. */
const OLD_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** A file that a start finds may be a program's; more of it is nobody's recording. */
const MAX_FOUND_BYTES = 128 * 1024 * 1024;

interface Held {
  file: number;
  /** Null for one that an earlier start left behind. */
  recording: Recording | null;
  /** Ends its hearing of the terminal. */
  leave(): void;
}

/**
 * The recordings of the session's terminals, one file each at the top of the volume under a reserved name: no memory of the
 * agent is filled, and what was recorded outlives it. They are held until somebody has fetched and removed them.
 */
export class Recordings {
  #workspace: Workspace;
  #terminals: Terminals;
  #held = new Map<string, Held>();

  constructor(workspace: Workspace, terminals: Terminals) {
    this.#workspace = workspace;
    this.#terminals = terminals;
  }

  /** Takes up what an earlier start left behind. */
  recover(): void {
    for (const name of readdirSync(within(this.#workspace.root, '.'))) {
      const id = recordingIdOf(name);
      if (id === null || this.#held.size >= MAX_HELD_RECORDINGS) continue;
      try {
        const file = openSync(this.#place(id), OLD_FILE);
        if (fstatSync(file).isFile()) this.#held.set(id, { file, recording: null, leave: () => undefined });
        else closeSync(file);
      } catch (error) {
        // A link, or unreadable: a program's own doing, and nobody's recording.
        if (systemCode(error) === '') throw error;
      }
    }
  }

  /** Begins one. Fails with TERMINAL_NOT_FOUND, with RECORDING_LIMIT, or when there is no room for a file. */
  start({ id, terminal: terminalId, ...limits }: RecordingLimits & { id: string; terminal: string }): void {
    const terminal = this.#terminals.get(terminalId);
    if (!terminal.running) throw new AgentFailure('TERMINAL_NOT_FOUND', 'The terminal has ended.');
    if (this.#held.has(id)) return;
    if (this.#held.size >= MAX_HELD_RECORDINGS) {
      throw new AgentFailure('RECORDING_LIMIT', `A session records ${MAX_HELD_RECORDINGS} terminals at once at most.`);
    }
    const file = this.#create(id);
    const recording = new Recording(file, { ...limits, size: terminal.size, title: terminal.name });
    this.#held.set(id, { file, recording, leave: terminal.tap(recording) });
  }

  #create(id: string): number {
    try {
      return openSync(this.#place(id), NEW_FILE, 0o600);
    } catch (error) {
      if (systemCode(error) === '') throw error;
      throw new AgentFailure('RECORDING_LIMIT', `The session cannot keep a recording (${systemCode(error)}).`);
    }
  }

  /** Ends one that is under way; resolves once it is whole. */
  async stop(id: string): Promise<void> {
    const { recording } = this.#get(id);
    await recording?.finish('stopped');
  }

  /** Ends all of them for the same reason. */
  async stopAll(reason: RecordingEnd): Promise<void> {
    for (const { recording } of this.#held.values()) await recording?.finish(reason);
  }

  /** All that are held. */
  list(): RecordingState[] {
    return [...this.#held].map(([id, { recording }]) => ({
      id,
      end: recording === null ? 'restarted' : recording.end,
    }));
  }

  /** The whole lines of one that has ended, in pieces. */
  async *read(id: string): AsyncGenerator<Uint8Array> {
    const { file, recording } = this.#get(id);
    if (recording?.end === null) throw new AgentFailure('INVALID_INPUT', 'The recording is under way.');
    // Its last bytes may still be on their way to the file.
    await recording?.finish('stopped');
    const size = wholeLines(file);
    const piece = Buffer.allocUnsafe(64 * 1024);
    for (let at = 0; at < size;) {
      const count = readSync(file, piece, 0, Math.min(piece.byteLength, size - at), at);
      if (count === 0) return;
      at += count;
      yield Buffer.from(piece.subarray(0, count));
    }
  }

  /** Forgets one with its bytes. One that is not there is no failure: it was removed before. */
  async remove(id: string): Promise<void> {
    const held = this.#held.get(id);
    if (held === undefined) return;
    await held.recording?.finish('stopped');
    held.leave();
    this.#held.delete(id);
    closeSync(held.file);
    try {
      unlinkSync(this.#place(id));
    } catch (error) {
      // A program was faster.
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  }

  #place(id: string): string {
    return within(this.#workspace.root, recordingName(id));
  }

  #get(id: string): Held {
    const held = this.#held.get(id);
    if (held === undefined) throw new AgentFailure('RECORDING_NOT_FOUND', 'The session has no such recording.');
    return held;
  }
}

/** How many bytes there are up to the end of the last whole line: a start that was killed leaves a part of one. */
function wholeLines(file: number): number {
  const size = Math.min(fstatSync(file).size, MAX_FOUND_BYTES);
  const tail = Buffer.alloc(Math.min(size, 1024 * 1024));
  readSync(file, tail, 0, tail.byteLength, size - tail.byteLength);
  return size - tail.byteLength + tail.lastIndexOf('\n') + 1;
}
