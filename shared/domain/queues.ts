/** The names of the three task queues, one per worker role. */
export function taskQueues(prefix: string): { orchestration: string; runtime: string; watch: string } {
  return { orchestration: `${prefix}-orchestration`, runtime: `${prefix}-runtime`, watch: `${prefix}-watch` };
}

/** The search attributes that Berth's workflows carry, by kind; registered at start. */
export const SEARCH_ATTRIBUTES = {
  OwnerId: 'KEYWORD',
  SessionPhase: 'KEYWORD',
  EndReason: 'KEYWORD',
  ReviewStatus: 'KEYWORD',
  ReviewerId: 'KEYWORD',
  Priority: 'KEYWORD',
  ExpiresAt: 'DATETIME',
  DueAt: 'DATETIME',
  NeedsAttention: 'BOOL',
} as const;
