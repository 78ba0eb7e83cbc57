import { fileURLToPath } from 'node:url';
import { describeReplays } from '#tests/support/histories.ts';

describeReplays('a recorded review', {
  folder: fileURLToPath(new URL('histories', import.meta.url)),
  workflowId: 'review/1',
  files: [
    'approved.json',
    'automation-signals.json',
    'claims-race.json',
    'lease-ended.json',
    'reassigned.json',
    'rejected-after-refresh.json',
    'released-and-withdrawn.json',
    'strange-signals.json',
    'withdrawn-by-level-4.json',
  ],
  needs: [
    ['approved.json', 'freezeSnapshot'],
    ['automation-signals.json', 'addBotComment'],
  ],
});
