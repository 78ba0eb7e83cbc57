/** What the rule looks at; times in milliseconds since 1970. */
export interface IdleFacts {
  now: number;
  /** Last keystroke, output, save or call. */
  lastActivityAt: number;
  /** A command runs in a terminal's foreground. */
  busy: boolean;
  idleMs: number;
  /** Held open until then without activity, null without an extension. */
  heldUntil: number | null;
  /** How long before the close people are told. */
  warnMs: number;
}

/** `open`: nothing to do before `lookAgainIn`. `closing-soon`: tell people once per `at`. `end`: close now. */
export type IdleVerdict =
  | { verdict: 'open' }
  | { verdict: 'closing-soon'; at: number; reason: 'idle' | 'expired' }
  | { verdict: 'end'; reason: 'idle' | 'expired' };

/** Decides whether a session has been idle long enough. An open tab alone is no activity; a running command is. */
export function judgeIdle(facts: IdleFacts): IdleVerdict {
  if (facts.busy) return { verdict: 'open' };
  const idleAt = facts.lastActivityAt + facts.idleMs;
  const held = facts.heldUntil !== null && facts.heldUntil > idleAt;
  const at = held ? (facts.heldUntil ?? idleAt) : idleAt;
  const reason = held ? 'expired' : 'idle';
  if (facts.now >= at) return { verdict: 'end', reason };
  // With a very short idle time the warning comes at half of it, not at once.
  const warnMs = Math.min(facts.warnMs, facts.idleMs / 2);
  if (facts.now >= at - warnMs) return { verdict: 'closing-soon', at, reason };
  return { verdict: 'open' };
}
