import { Router } from 'express';
import type { ApiDeps } from '#api/deps.ts';
import { pendingMigrations } from '#platform/db/migrate.ts';

const DATABASE_DEADLINE_MS = 3_000;

/**
 * `/healthz`: the process runs. `/readyz`: the database answers and is migrated; an absent Temporal is told as `degraded`
 * and stays 200, because saves and terminals go on without it.
 */
export function createHealth(deps: Pick<ApiDeps, 'database' | 'temporal' | 'log'>): Router {
  const router = Router();
  let migrated = false;

  async function databaseReady(): Promise<boolean> {
    if (migrated) await deps.database.query('SELECT 1');
    else migrated = (await pendingMigrations(deps.database)).length === 0;
    return migrated;
  }

  async function checkDatabase(): Promise<'ok' | 'unreachable' | 'not migrated'> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('the database did not answer in time')), DATABASE_DEADLINE_MS);
    });
    try {
      return (await Promise.race([databaseReady(), late])) ? 'ok' : 'not migrated';
    } catch (error) {
      deps.log.warn({ err: error }, 'the database is not ready');
      return 'unreachable';
    } finally {
      clearTimeout(timer);
    }
  }

  router.get('/healthz', (_request, response) => void response.set('Cache-Control', 'no-store').json({ status: 'ok' }));
  router.get('/readyz', async (_request, response) => {
    const [database, temporal] = await Promise.all([checkDatabase(), deps.temporal.healthy()]);
    const status = database !== 'ok' ? 'unavailable' : temporal ? 'ok' : 'degraded';
    response
      .status(database === 'ok' ? 200 : 503)
      .set('Cache-Control', 'no-store')
      .json({ status, database, temporal: temporal ? 'ok' : 'unreachable' });
  });
  return router;
}
