import { Sequelize, type Transaction } from 'sequelize';
import type { Config } from '#platform/config/config.ts';
import { readDatabaseAddress } from '#platform/config/databaseAddress.ts';
import { repeatDeadlocked } from '#platform/db/deadlock.ts';
import { throwWithRemedy } from '#platform/db/certificateRefusal.ts';

/** A transaction, or null for a statement of its own. */
export type Tx = Transaction | null;

/** The one connection pool of a process. Repositories take it, or a transaction of it. */
export interface Database {
  readonly sequelize: Sequelize;
  /** The most connections of the pool. */
  readonly connections: number;
  /**
   * Runs `work` in a transaction: committed when it resolves, rolled back when it rejects. Runs it again when PostgreSQL
   * ended the transaction to resolve a deadlock: what `work` does beside its statements must be safe to do twice.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Runs a statement with `$1…` bound; arrays and buffers work. Resolves with its rows. */
  query<Row extends object>(sql: string, bind?: unknown[], tx?: Tx): Promise<Row[]>;
  close(): Promise<void>;
}

/** Opens the pool. Nothing connects before the first statement. */
export function createDatabase(config: Pick<Config, 'DATABASE_URL' | 'DATABASE_POOL_MAX'>): Database {
  const { user, ssl, options, ...address } = readDatabaseAddress(config.DATABASE_URL);
  const sequelize = new Sequelize({
    ...address,
    username: user,
    dialect: 'postgres',
    logging: false,
    pool: { max: config.DATABASE_POOL_MAX, min: 0, idle: 10_000, acquire: 15_000 },
    define: { underscored: true, createdAt: 'created_at', updatedAt: 'updated_at' },
    dialectOptions: { application_name: 'berth', keepAlive: true, ssl, options },
  });
  return {
    sequelize,
    connections: config.DATABASE_POOL_MAX,
    transaction: (work) => repeatDeadlocked(() => sequelize.transaction(work)).catch(throwWithRemedy),
    async query<Row extends object>(sql: string, bind: unknown[] = [], tx: Tx = null): Promise<Row[]> {
      // Without a query type Sequelize answers [rows, metadata] for every kind of statement, RETURNING included.
      const [rows] = await sequelize.query(sql, { bind, transaction: tx }).catch(throwWithRemedy);
      return (Array.isArray(rows) ? rows : []) as Row[];
    },
    close: () => sequelize.close(),
  };
}
