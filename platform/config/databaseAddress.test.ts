import { fileURLToPath } from 'node:url';
import { loadConfig } from '#platform/config/config.ts';
import { readDatabaseAddress } from '#platform/config/databaseAddress.ts';

const ROOT = fileURLToPath(new URL('../../tests/support/tls/server.crt', import.meta.url));

describe('the address of the database', () => {
  it('is taken apart, with what is encoded in it', () => {
    expect(readDatabaseAddress('postgresql://some%40one:a%2Fb%3Ac%25@db.example.org:6432/my%20berth')).toEqual({
      host: 'db.example.org',
      port: 6432,
      user: 'some@one',
      password: 'a/b:c%',
      database: 'my berth',
      options: undefined,
      ssl: false,
    });
  });

  it.each([
    ['postgres://[::1]/berth', '::1'],
    ['postgres:///berth?host=/var/run/postgresql', '/var/run/postgresql'],
    ['postgres://%2Fvar%2Frun%2Fpostgresql/berth', '/var/run/postgresql'],
    ['postgres:///berth', 'localhost'],
  ])('%s leads to %s, port 5432', (address, host) => {
    expect(readDatabaseAddress(address)).toMatchObject({ host, port: 5432, user: undefined, database: 'berth' });
  });

  it('passes settings of the server on', () => {
    expect(readDatabaseAddress('postgres://db/berth?options=-c%20search_path%3Dberth').options).toBe(
      '-c search_path=berth',
    );
  });
});

describe('a DATABASE_URL that cannot be meant', () => {
  it.each([
    ['sslmode=prefer', /sslmode has to be disable, require, verify-ca or verify-full/],
    ['sslmode=', /sslmode has to be/],
    ['sslmode=no-verify', /sslmode has to be/],
    ['sslmode=verify-ca', /needs the file of a root as sslrootcert; without one, choose verify-full/],
    [`sslrootcert=${ROOT}`, /add sslmode=verify-full/],
    ['sslmode=verify-full&sslrootcert=/nowhere/root.crt', /file that sslrootcert names cannot be read \(ENOENT\)/],
    // Nothing to trust would be everything to Node.
    ['sslmode=verify-ca&sslrootcert=/dev/null', /file that sslrootcert names holds no certificate/],
    ['ssl=true', /only parameters that Berth knows are sslmode, sslrootcert, host, options: remove the others/],
    ['sslmode=require&uselibpqcompat=true', /remove the others/],
  ])('is refused with a remedy and not shown: %s', (parameters, remedy) => {
    const load = (): unknown =>
      loadConfig({ BERTH_SECRET: 'x'.repeat(32), DATABASE_URL: `postgres://berth:hidden@db/berth?${parameters}` });
    expect(load).toThrow(remedy);
    expect(load).toThrow(/DATABASE_URL: got a value that is not shown; /);
    expect(load).not.toThrow(/hidden|nowhere/);
  });

  it.each([
    ['nonsense', /Invalid URL/],
    ['mysql://db/berth', /Invalid URL/],
    ['postgres://berth:half%@db/berth', /has to be written as %25/],
  ])('is refused with one reason: %s', (address, reason) => {
    const load = (): unknown => loadConfig({ BERTH_SECRET: 'x'.repeat(32), DATABASE_URL: address });
    expect(load).toThrow(reason);
    expect(load).toThrow(/^[^\n]*\n {2}DATABASE_URL: [^\n]*\nSee/);
  });
});
