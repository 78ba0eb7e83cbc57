import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { Config } from '#platform/config/config.ts';
import type { Database } from '#platform/db/database.ts';
import { AppError } from '#shared/domain/errors.ts';

/** What is counted: requests of a network, dear requests of a person, sign-ins of a network and of an account. */
export const RATE_LIMITS = {
  default: { points: 3_000, seconds: 60 },
  expensive: { points: 120, seconds: 60 },
  login: { points: 100, seconds: 300 },
  accountFromNetwork: { points: 10, seconds: 900 },
  account: { points: 100, seconds: 900 },
} as const;

/** A kind of limit. */
export type RateLimit = keyof typeof RATE_LIMITS;

/** Where a caller stands; sent as RateLimit headers. */
export interface RateStanding {
  limit: number;
  remaining: number;
  resetSeconds: number;
}

/** Counts in PostgreSQL, so that all replicas share one count. */
export interface RateLimits {
  /** Takes one point; null when limits are off. Throws RATE_LIMITED with `retryAfterSeconds` when none is left. */
  take(kind: RateLimit, key: string): Promise<RateStanding | null>;
  /** Forgets what was counted, after a right password say. */
  forget(kind: RateLimit, key: string): Promise<void>;
}

/** Makes the limits. */
export function createRateLimits(config: Pick<Config, 'RATE_LIMIT_ENABLED'>, database: Database): RateLimits {
  if (!config.RATE_LIMIT_ENABLED) return { take: async () => null, forget: async () => undefined };
  const limiters = new Map(
    Object.entries(RATE_LIMITS).map(([kind, { points, seconds }]) => [
      kind,
      new RateLimiterPostgres({
        storeClient: database.sequelize,
        storeType: 'sequelize',
        tableName: 'rate_limits',
        tableCreated: true,
        clearExpiredByTimeout: false,
        keyPrefix: kind,
        points,
        duration: seconds,
        // A caller who is over the limit costs no statement any more.
        inMemoryBlockOnConsumed: points + 1,
      }),
    ]),
  );
  return {
    async take(kind, key) {
      try {
        return standing(RATE_LIMITS[kind].points, await limiters.get(kind)!.consume(key));
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused;
        const { resetSeconds, limit } = standing(RATE_LIMITS[kind].points, refused);
        throw new AppError('RATE_LIMITED', {
          detail: `At most ${limit} in ${RATE_LIMITS[kind].seconds} seconds; ${resetSeconds} seconds are left to wait.`,
          data: { retryAfterSeconds: resetSeconds },
        });
      }
    },
    async forget(kind, key) {
      await limiters.get(kind)!.delete(key);
    },
  };
}

function standing(limit: number, result: RateLimiterRes): RateStanding {
  return {
    limit,
    remaining: Math.max(0, result.remainingPoints),
    resetSeconds: Math.max(1, Math.ceil(result.msBeforeNext / 1_000)),
  };
}
