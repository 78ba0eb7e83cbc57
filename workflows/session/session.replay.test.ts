import { fileURLToPath } from 'node:url';
import { describeReplays } from '#tests/support/histories.ts';

describeReplays('a recorded session', {
  folder: fileURLToPath(new URL('histories', import.meta.url)),
  workflowId: 'session/replayed',
  files: [
    'closed-while-loading.json',
    'continued-as-new-1.json',
    'continued-as-new-2.json',
    'copy-given-back.json',
    'copy-thrown-away.json',
    'database-away.json',
    'node-lost-and-back.json',
    'open-failed.json',
    'open-hopeless.json',
    'opened-synced-closed.json',
    'opened-while-closing-1.json',
    'opened-while-closing-2.json',
    'recovered.json',
    'strange-signals.json',
    'sync-failed-and-again.json',
    'volume-kept.json',
  ],
  needs: [
    ['opened-synced-closed.json', 'saveFiles'],
    ['opened-synced-closed.json', 'deleteVolume'],
    ['copy-thrown-away.json', 'deleteVolume'],
  ],
});
