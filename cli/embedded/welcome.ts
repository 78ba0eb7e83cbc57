import type { Config } from '#platform/config/config.ts';
import { isolationState } from '#cli/embedded/isolation.ts';

/** What a start has to tell. */
export interface WelcomeInput {
  config: Config;
  operatorCode: string;
  /** True when nobody has registered yet. */
  firstAccount: boolean;
  logFolder: string;
}

/** The text that a start prints once Berth answers. */
export async function welcome({ config, operatorCode, firstAccount, logFolder }: WelcomeInput): Promise<string> {
  const isolation = await isolationState(config);
  const lines = [
    '',
    `  Berth is ready:   ${config.BERTH_PUBLIC_URL}`,
    ...(config.TEMPORAL_UI_URL ? [`  Temporal's UI:    ${config.TEMPORAL_UI_URL}`] : []),
    `  Sessions run:     ${isolation.text}`,
    `  Logs:             ${logFolder}`,
    ...(firstAccount ? ['', '  The first account to register becomes the operator.'] : []),
    ...(operatorCode ? [`  It needs this one-time code: ${operatorCode}`] : []),
    ...(isolation.warning ? ['', `  WARNING: ${isolation.warning}`] : []),
    '',
    '  Ctrl-C stops everything.',
    '',
  ];
  return lines.join('\n');
}
