/** What the rule looks at; times in milliseconds since 1970, spans in milliseconds. */
export interface IdleFacts {
  now: number;
  /** A person typed, saved, or called last. */
  personAt: number;
  /** The last sign of life of a program: output, or a job in a terminal's foreground. */
  programAt: number;
  idleMs: number;
  /** So long after the last sign of a person their programs hold the session open. */
  jobMs: number;
  /** Held open until then without activity, null without an extension. */
  heldUntil: number | null;
  /** How long before the close people are told. */
  warnMs: number;
}

/** Why a session closes: nothing happens in it, its extension is over, or programs have run for too long without a person. */
export type IdleReason = 'idle' | 'expired' | 'job';

/** `open`: nothing to do. `closing-soon`: tell people once per `at`. `end`: close now. */
export type IdleVerdict =
  | { verdict: 'open' }
  | { verdict: 'closing-soon'; at: number; reason: IdleReason }
  | { verdict: 'end'; reason: IdleReason };

/**
 * Decides whether a session has been idle long enough. An open tab alone is no activity; output and a job in the
 * foreground are, up to a cap: a forgotten program must not hold a pod for ever.
 */
export function judgeIdle(facts: IdleFacts): IdleVerdict {
  const { at, reason } = closingTime(facts);
  if (facts.now >= at) return { verdict: 'end', reason };
  // With a very short idle time the warning comes at half of it, not at once.
  const warnMs = Math.min(facts.warnMs, facts.idleMs / 2);
  if (facts.now >= at - warnMs) return { verdict: 'closing-soon', at, reason };
  return { verdict: 'open' };
}

function closingTime({ personAt, programAt, idleMs, jobMs, heldUntil }: IdleFacts): { at: number; reason: IdleReason } {
  const idleAt = Math.max(personAt, programAt) + idleMs;
  const capAt = personAt + Math.max(idleMs, jobMs);
  const at = Math.min(idleAt, capAt);
  if (heldUntil !== null && heldUntil > at) return { at: heldUntil, reason: 'expired' };
  return { at, reason: capAt < idleAt ? 'job' : 'idle' };
}
