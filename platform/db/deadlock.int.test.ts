import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { build } from '#tests/support/factories.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

describe('two transactions that lock the same rows in opposite orders', () => {
  it('both come through: the one that PostgreSQL ends runs again', async () => {
    const [left, right] = [await build.session(test.database), await build.session(test.database)];
    let runs = 0;
    let bothHold: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (bothHold = resolve));
    const rename = (first: number, second: number, name: string): Promise<void> =>
      test.database.transaction(async (tx) => {
        runs += 1;
        await test.database.query(`UPDATE sessions SET name = name || $2 WHERE id = $1`, [first, name], tx);
        if (runs === 2) bothHold();
        await held;
        await test.database.query(`UPDATE sessions SET name = name || $2 WHERE id = $1`, [second, name], tx);
      });
    await Promise.all([rename(left.id, right.id, ' A'), rename(right.id, left.id, ' B')]);
    expect(runs).toBe(3);
    const rows = await test.database.query<{ name: string }>(`SELECT name FROM sessions ORDER BY id`);
    for (const { name } of rows) expect(name.split(' ').sort()).toEqual(['A', 'B', 'fractals']);
  });

  it('a failure of another kind is told at once', async () => {
    let runs = 0;
    const failing = test.database.transaction(async (tx) => {
      runs += 1;
      await test.database.query(`SELECT 1 / 0`, [], tx);
    });
    await expect(failing).rejects.toThrow(/division by zero/);
    expect(runs).toBe(1);
  });
});
