import type { Config } from '#platform/config/config.ts';
import { clockSettings } from '#platform/config/reviewClocks.ts';
import type { SystemInfo } from '#shared/contracts/system.ts';
import { MAX_TERMINALS } from '#shared/contracts/agentProtocol.ts';

/** The installation as a caller sees it; links to Temporal are for operators. */
export function presentSystem(
  config: Config,
  { version, firstAccount, isOperator }: { version: string; firstAccount: boolean; isOperator: boolean },
): SystemInfo {
  return {
    version,
    firstAccount,
    registrationNeedsCode: firstAccount && config.BERTH_OPERATOR_CODE !== '',
    selfPromotionMaxLevel: config.SELF_PROMOTION_MAX_LEVEL,
    temporalUiUrl: isOperator && config.TEMPORAL_UI_URL !== '' ? config.TEMPORAL_UI_URL : null,
    localRuntime: config.BERTH_RUNTIME === 'local',
    limits: {
      liveSessions: config.SESSION_LIVE_LIMIT,
      fileBytes: config.MAX_FILE_BYTES,
      sessionBytes: config.MAX_SESSION_BYTES,
      sessionItems: config.MAX_SESSION_ITEMS,
      terminals: MAX_TERMINALS,
      idleSeconds: config.SESSION_IDLE_SECONDS,
      reviewDueSeconds: clockSettings(config).dueSeconds,
    },
  };
}
