/** What the pool needs now. */
export interface PoolSurvey {
  /** An operator paused the pool: nothing is made and nothing handed out. */
  paused: boolean;
  size: number;
  ready: number;
  /** Slots to make: 0 while it is paused. */
  missing: number;
  /** Slots whose pod and volume have to go, with those that an earlier run left. */
  retiring: number;
  /** Retired by this survey, by reason. */
  retired: Record<string, number>;
}

/** What a run of the pool did. */
export interface PoolResult {
  size: number;
  ready: number;
  made: number;
  removed: number;
  /** Why a slot could not be made, null when all could. */
  problem: string | null;
}

/** Activities of the warm pool; each is safe to run twice. */
export interface PoolActivities {
  /**
   * Retires what is out of date, expired, too much or dead, and counts. `unfinished`: also every slot that is being made,
   * for whoever began it has ended.
   */
  surveyPool(input: { unfinished: boolean }): Promise<PoolSurvey>;
  /** Makes one slot and offers it once its agent answers. False: it was retired meanwhile, and nothing of it is left. Heartbeats. */
  makeSlot(input: { uuid: string }): Promise<{ ready: boolean }>;
  /** Removes pod and volume of every retired slot and then its row. Heartbeats. */
  removeRetired(): Promise<{ removed: number }>;
  /** Writes down the end of a run, for operators. */
  recordPoolRun(input: { problem: string | null }): Promise<void>;
}
