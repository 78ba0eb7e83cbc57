import { AppError } from '#shared/domain/errors.ts';

/** Lets only so many calls through at once for each key; the rest wait in order. */
export interface UpdateGate {
  /** Runs `call` when it is its turn. Throws TEMPORAL_UNAVAILABLE, without having called, when the turn does not come in time. */
  pass<T>(key: string, deadline: number, call: () => Promise<T>): Promise<T>;
}

interface Lane {
  running: number;
  waiting: Array<() => void>;
}

/**
 * Temporal admits ten updates in flight for each workflow, and its client silently repeats the eleventh. Each api process
 * therefore sends at most its share and keeps the others waiting here, where they have a deadline.
 */
export function createUpdateGate(limit: number): UpdateGate {
  const lanes = new Map<string, Lane>();

  async function enter(key: string, deadline: number): Promise<Lane> {
    const lane = lanes.get(key) ?? { running: 0, waiting: [] };
    lanes.set(key, lane);
    if (lane.running < limit) {
      lane.running += 1;
      return lane;
    }
    await new Promise<void>((admit, refuse) => {
      const timer = setTimeout(
        () => {
          lane.waiting.splice(lane.waiting.indexOf(turn), 1);
          refuse(new AppError('TEMPORAL_UNAVAILABLE', { detail: 'Too many decisions wait; yours was not sent.' }));
        },
        Math.max(0, deadline - Date.now()),
      );
      // Who leaves hands their place over, so `running` stays.
      const turn = (): void => {
        clearTimeout(timer);
        admit();
      };
      lane.waiting.push(turn);
    });
    return lane;
  }

  function leave(key: string, lane: Lane): void {
    const next = lane.waiting.shift();
    if (next !== undefined) next();
    else if (--lane.running === 0) lanes.delete(key);
  }

  return {
    async pass(key, deadline, call) {
      const lane = await enter(key, deadline);
      try {
        return await call();
      } finally {
        leave(key, lane);
      }
    },
  };
}

/** The updates that one of `replicas` api processes may have in flight for one workflow. */
export function updatesPerProcess(replicas: number): number {
  return Math.max(1, Math.floor(10 / replicas));
}
