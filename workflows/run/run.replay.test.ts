import { fileURLToPath } from 'node:url';
import { describeReplays } from '#tests/support/histories.ts';

describeReplays('a recorded run', {
  folder: fileURLToPath(new URL('histories', import.meta.url)),
  workflowId: 'run/uuid/1',
  files: [
    'cancelled-while-opening.json',
    'cancelled-while-running.json',
    'refused-to-open.json',
    'started-again-after-terminate.json',
    'strange-signals.json',
    'succeeded.json',
    'timed-out.json',
    'workflow-cancelled.json',
  ],
  needs: [['succeeded.json', 'syncForRun']],
});
