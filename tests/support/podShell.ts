import { randomBytes } from 'node:crypto';
import type { AgentClient } from '#platform/agent/AgentClient.ts';
import { openScreen } from '#tests/support/terminalScreen.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/** What a command printed, without the terminal's carriage returns and the white space around it, and how it ended. */
export interface CommandResult {
  output: string;
  status: number;
}

/** A terminal of a session that runs one command after the other. */
export interface PodShell {
  /** Runs a line of bash; $AGENT in it is the agent's process id. Rejects when it does not end within `deadlineMs` (30 s). */
  run(line: string, deadlineMs?: number): Promise<CommandResult>;
  /** Types something and waits for nothing. */
  type(text: string): void;
  close(): Promise<void>;
}

/** Opens a terminal, as a person would have it: what runs in it has exactly a person's rights. */
export async function openPodShell(client: AgentClient): Promise<PodShell> {
  const { id } = await client.openTerminal({ name: null, size: { cols: 200, rows: 50 } });
  const screen = await openScreen(client, id);
  return {
    type: (text) => screen.type(text),
    async run(line, deadlineMs = 30_000) {
      // The shell echoes what is typed: the marks are in two halves there, and whole only in what the command prints.
      const mark = randomBytes(6).toString('hex');
      const halves = `${mark.slice(0, 6)} ${mark.slice(6)}`;
      const encoded = Buffer.from(line).toString('base64');
      screen.type(
        `printf '<%s%s begins>' ${halves}; AGENT=$PPID bash -c "$(echo ${encoded} | base64 -d)" 2>&1 </dev/null; printf '<%s%s %s>' ${halves} $?\r`,
      );
      const pattern = new RegExp(`<${mark} begins>([^]*)<${mark} (\\d+)>`);
      const [, output = '', status = ''] = await waitFor(() => pattern.exec(screen.text()), {
        deadlineMs,
        what: `the end of ${JSON.stringify(line)}`,
      });
      return { output: output.replaceAll('\r', '').trim(), status: Number(status) };
    },
    async close() {
      await client.closeTerminal(id);
    },
  };
}
