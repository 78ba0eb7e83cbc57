import { pino } from 'pino';
import { createShutdown } from '#platform/lifecycle/shutdown.ts';

const log = pino({ level: 'silent' });

describe('the end of a process', () => {
  it('stops the intake, then drains, then closes stores, each phase after the one before', async () => {
    const said: string[] = [];
    const shutdown = createShutdown(log, 1_000);
    const slowly = (name: string) => async () => {
      await new Promise((resolve) => setImmediate(resolve));
      said.push(name);
    };
    shutdown.at('stores', 'database', slowly('stores'));
    shutdown.at('drain', 'agents', slowly('drain'));
    shutdown.at('intake', 'http', slowly('intake'));
    await Promise.all([shutdown.run('SIGTERM'), shutdown.run('again')]);
    expect(said).toEqual(['intake', 'drain', 'stores']);
  });

  it('goes on when a part fails', async () => {
    const said: string[] = [];
    const shutdown = createShutdown(log, 1_000);
    shutdown.at('intake', 'broken', () => {
      throw new Error('broken');
    });
    shutdown.at('stores', 'database', () => void said.push('stores'));
    await shutdown.run('SIGTERM');
    expect(said).toEqual(['stores']);
  });

  it('leaves behind what hangs beyond the deadline', async () => {
    const shutdown = createShutdown(log, 20);
    shutdown.at('drain', 'hanging', () => new Promise<never>(() => undefined));
    await expect(shutdown.run('SIGTERM')).resolves.toBeUndefined();
  });
});
