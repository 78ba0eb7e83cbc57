export { session } from '#workflows/session/session.workflow.ts';
export { review } from '#workflows/review/review.workflow.ts';
export { reap, retain } from '#workflows/maintenance/maintenance.workflow.ts';
export { pool } from '#workflows/maintenance/pool.workflow.ts';
export { run } from '#workflows/run/run.workflow.ts';
