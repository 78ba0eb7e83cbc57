import { ConnectionAcquireTimeoutError, ConnectionRefusedError, DatabaseError } from 'sequelize';
import { toFailure } from '#activities/failures.ts';

/** An error of a statement, as the driver and Sequelize tell it. */
function statementFailure(original: Error & { code?: string }): DatabaseError {
  return new DatabaseError(Object.assign(original, { sql: 'SELECT 1' }));
}

describe('a database that does not answer', () => {
  it.each([
    ['a refused connection', new ConnectionRefusedError(new Error('connect ECONNREFUSED'))],
    ['no connection in time', new ConnectionAcquireTimeoutError(new Error('Operation timeout'))],
    ['a server that shuts down', statementFailure(Object.assign(new Error('terminating'), { code: '57P01' }))],
    ['a connection that broke', statementFailure(new Error('Connection terminated unexpectedly'))],
    ['a connection that was reset', statementFailure(Object.assign(new Error('read'), { code: 'ECONNRESET' }))],
  ])('is told by %s as what it is, and tried again', (_name, error) => {
    expect(toFailure(error)).toMatchObject({ type: 'DATABASE_UNAVAILABLE', nonRetryable: false });
  });

  it('is not told by a statement that the database refuses, nor by another server', () => {
    const refused = statementFailure(Object.assign(new Error('duplicate key'), { code: '23505' }));
    expect(toFailure(refused)).toBe(refused);
    const other = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    expect(toFailure(other)).toBe(other);
  });
});
