import { CAUSE_ADVICE, operatorAdvice } from '#shared/domain/podCause.ts';
import type { SessionPhase } from '#shared/domain/session.ts';
import type { SessionMachine } from '#workflows/session/session.machine.ts';
import type { RunningParts } from '#workflows/session/session.messages.ts';

/** What happens in a phase and what an operator can do about it. */
const EXPLANATION: Readonly<Record<SessionPhase, string>> = {
  requested: 'Somebody asked to open the session; it is about to be admitted. Nothing to do.',
  provisioning:
    'Volume and pod are being made. If it lasts, look at the pending activities for the cause; `close` gives up.',
  loading: 'The files are being brought to the volume. `close` gives up; nothing is deleted in the database.',
  running:
    'Somebody can work in it. `requestSync` saves what is on the volume now, `extend` holds it open, `close` ends it.',
  recovering:
    'The pod was lost; another is being started on the same volume. Nothing to do; `close` saves and ends it.',
  saving: 'Processes are being ended and the last changes saved. It cannot be stopped.',
  closing: 'Pod and volume are being removed. It cannot be stopped.',
  closed: 'It has ended. The files are in the database.',
  failed: 'It could not be opened. The files are in the database; open it again from its page.',
};

/** The current details of a run, as Markdown: phase, why, since, deadline, what an operator can do, and notes. */
export function describeRun(machine: SessionMachine, parts: Partial<RunningParts>): string {
  const lines = [
    `**${machine.phase}**${machine.reason === null ? '' : ` (${machine.reason})`} since ${iso(machine.since)}`,
    '',
    EXPLANATION[machine.phase],
    '',
    `- generation ${machine.generation}, syncs ${machine.syncSeq}`,
  ];
  if (machine.cause !== null) {
    const { sentence } = CAUSE_ADVICE[machine.cause];
    lines.push(`- **${machine.cause}**: ${sentence} ${operatorAdvice(machine.cause, machine.uuid)}`);
  }
  if (parts.summary !== undefined) lines.push(`- ${parts.summary}`);
  if (parts.idleSeconds !== undefined) lines.push(`- closes after ${parts.idleSeconds} s without activity`);
  if (parts.expiresAt !== undefined && parts.expiresAt !== null) lines.push(`- held open until ${parts.expiresAt}`);
  if (machine.end !== null) lines.push(`- asked to close by ${machine.end.actor} (${machine.end.reason})`);
  if (machine.nextGeneration !== null) lines.push(`- generation ${machine.nextGeneration} follows`);
  if (machine.needsAttention) {
    lines.push(
      '- **needs attention**: what is on the volume could not be saved or reached. The volume is kept; use Retry save or Discard on the session’s page.',
    );
  }
  if (machine.notes.length > 0) {
    lines.push('', 'Notes:', ...machine.notes.map((note) => `- ${iso(note.at)} ${note.text}`));
  }
  return lines.join('\n');
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
