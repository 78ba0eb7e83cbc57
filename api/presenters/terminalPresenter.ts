import type { Terminal } from '#shared/contracts/terminal.ts';
import type { AgentTerminal } from '#platform/agent/AgentClient.ts';

/** A terminal as its session's owner sees it. Name and title come from inside the session: they are shown as text only. */
export function presentTerminal(terminal: AgentTerminal): Terminal {
  return {
    id: terminal.id,
    name: terminal.name,
    title: terminal.title,
    running: terminal.running,
    exitCode: terminal.exitCode,
  };
}
