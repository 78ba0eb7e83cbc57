import { fileURLToPath } from 'node:url';
import { describeReplays } from '#tests/support/histories.ts';

describeReplays('a recorded review', {
  folder: fileURLToPath(new URL('histories', import.meta.url)),
  workflowId: 'review/1',
  files: [
    'approved.json',
    'before-clocks-approved.json',
    'before-clocks-claims-race.json',
    'before-clocks-lease-ended.json',
    'before-clocks-rejected-after-refresh.json',
    'before-clocks-released-and-withdrawn.json',
    'before-clocks-strange-signals.json',
    'claims-race.json',
    'continued-first-run.json',
    'continued-last-run.json',
    'due-moved.json',
    'escalated-and-withdrawn.json',
    'gone.json',
    'lapsed-claim-taken-over.json',
    'lease-ended.json',
    'lease-warned.json',
    'overridden.json',
    'rejected-after-refresh.json',
    'released-and-withdrawn.json',
    'reminded-and-claimed.json',
    'strange-signals.json',
    'sync-missed.json',
    'taken-over.json',
  ],
  needs: [
    ['approved.json', 'freezeSnapshot'],
    ['escalated-and-withdrawn.json', 'ringClock'],
    ['lease-warned.json', 'ringClock'],
  ],
});
