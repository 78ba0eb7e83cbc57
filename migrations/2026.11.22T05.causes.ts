import type { MigrationParams } from 'umzug';
import type { QueryInterface } from 'sequelize';

/** Why a session is held up, and volumes that a person gave up. */
export async function up({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    ALTER TABLE sessions ADD COLUMN phase_cause text CHECK (phase_cause IN
      ('image-pull', 'unschedulable', 'quota', 'claim-not-bound', 'crash-loop', 'out-of-memory', 'evicted', 'disk-full',
       'node-lost', 'cluster-unreachable', 'pod-deleted', 'process-ended'));

    -- discarded: nothing of it may come into the database any more, and it is removed whatever it holds.
    ALTER TABLE volumes DROP CONSTRAINT volumes_state_check;
    ALTER TABLE volumes ADD CONSTRAINT volumes_state_check
      CHECK (state IN ('new', 'loading', 'live', 'kept', 'drained', 'discarded'));
  `);
}

/** Removes everything that up made; a discarded volume becomes one that was never loaded, which is removed as well. */
export async function down({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    UPDATE volumes SET state = 'new' WHERE state = 'discarded';
    ALTER TABLE volumes DROP CONSTRAINT volumes_state_check;
    ALTER TABLE volumes ADD CONSTRAINT volumes_state_check
      CHECK (state IN ('new', 'loading', 'live', 'kept', 'drained'));
    ALTER TABLE sessions DROP COLUMN phase_cause;
  `);
}
