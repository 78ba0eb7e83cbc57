import { fileURLToPath } from 'node:url';
import { describeReplays } from '#tests/support/histories.ts';

describeReplays('a recorded review', {
  folder: fileURLToPath(new URL('histories', import.meta.url)),
  workflowId: 'review/1',
  files: [
    'approved.json',
    'claims-race.json',
    'lease-ended.json',
    'rejected-after-refresh.json',
    'released-and-withdrawn.json',
    'strange-signals.json',
  ],
  needs: [['approved.json', 'freezeSnapshot']],
});
