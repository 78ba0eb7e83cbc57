import { AgentFailure } from '#agent/failure.ts';

/** Fences stale callers: the agent serves one generation, and never an older reconcile than one it has seen. */
export class Epochs {
  readonly generation: number;
  #syncEpoch = 0;

  constructor(generation: number) {
    this.generation = generation;
  }

  /** Fails with STALE_GENERATION unless the caller is of this very generation. */
  checkGeneration(generation: number): void {
    if (generation === this.generation) return;
    throw new AgentFailure('STALE_GENERATION', `This agent serves generation ${this.generation}.`);
  }

  /** Fails with STALE_GENERATION when a later reconcile has been here. Null stands for a hand-off, which is no reconcile. */
  checkSyncEpoch(syncEpoch: number | null): void {
    if (syncEpoch === null) return;
    if (syncEpoch < this.#syncEpoch) {
      throw new AgentFailure('STALE_GENERATION', `A later reconcile (${this.#syncEpoch}) has been here.`);
    }
    this.#syncEpoch = syncEpoch;
  }
}
