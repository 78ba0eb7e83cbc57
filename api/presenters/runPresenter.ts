import { isUtf8 } from 'node:buffer';
import type { z } from 'zod';
import type { Run, RunOutput, RunOutputContent, RunReceipt } from '#shared/contracts/run.ts';
import { isEndedRun } from '#shared/domain/run.ts';
import type { RunRecord } from '#platform/db/repositories/runs.ts';

/** A character of UTF-8 has at most so many bytes: of one that the limit cut, fewer are left. */
const MAX_CHARACTER_BYTES = 4;

/** A run without its outputs. */
export function presentRun(run: RunRecord): Run {
  const { line, ...command } = run.command;
  return {
    id: run.id,
    sessionUuid: run.sessionUuid,
    requestedBy: run.requestedBy,
    command: line,
    file: command.file,
    arguments: command.arguments,
    folder: command.folder,
    environment: command.environment,
    stdinBytes: command.stdinBytes,
    timeLimitSeconds: run.timeLimitSeconds,
    outputLimitBytes: run.outputLimitBytes,
    status: run.status,
    reason: run.reason,
    cancelRequested: run.cancelRequestedAt !== null,
    exitCode: run.exitCode,
    signal: run.signal,
    stdout: presentOutput(run.stdout),
    stderr: presentOutput(run.stderr),
    limitsHit: run.limitsHit,
    // Before the end it may still be written anew.
    manifestSha256: isEndedRun(run.status) || run.status === 'running' ? run.manifestSha256 : null,
    createdAt: run.createdAt.toISOString(),
    startedAt: run.startedAt?.toISOString() ?? null,
    endedAt: run.endedAt?.toISOString() ?? null,
    durationMs: run.durationMs,
  };
}

/** A run with what is kept of its outputs. */
export function presentReceipt(run: RunRecord, outputs: { stdout: Buffer; stderr: Buffer }): RunReceipt {
  return {
    ...presentRun(run),
    stdout: presentContent(run.stdout, outputs.stdout),
    stderr: presentContent(run.stderr, outputs.stderr),
  };
}

function presentOutput({ bytes, kept }: RunRecord['stdout']): z.infer<typeof RunOutput> {
  return { bytes, keptBytes: kept, truncated: bytes > kept };
}

/** Text where it is text, of which the limit may have cut the last character. */
function presentContent(told: RunRecord['stdout'], bytes: Buffer): z.infer<typeof RunOutputContent> {
  const output = presentOutput(told);
  const mostCut = output.truncated ? MAX_CHARACTER_BYTES : 1;
  for (let cut = 0; cut < mostCut && cut <= bytes.byteLength; cut += 1) {
    const text = bytes.subarray(0, bytes.byteLength - cut);
    if (isUtf8(text)) return { ...output, content: text.toString('utf8'), encoding: 'utf8' };
  }
  return { ...output, content: bytes.toString('base64'), encoding: 'base64' };
}
