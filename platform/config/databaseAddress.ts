import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';

/** Where the database is and how it is spoken to, for the pool and for every other connection alike. */
export interface DatabaseAddress {
  host: string;
  port: number;
  user: string | undefined;
  password: string | undefined;
  database: string | undefined;
  /** Settings of the server for each connection, such as `-c search_path=berth`. */
  options: string | undefined;
  /** False: nothing is encrypted. */
  ssl: ConnectionOptions | false;
}

const PARAMETERS = ['sslmode', 'sslrootcert', 'host', 'options'];

/**
 * Reads DATABASE_URL. `sslmode` means what libpq documents, which neither Sequelize nor pg do by themselves: to pg 8 all
 * but `disable` is `verify-full`. Throws an error with a remedy, which quotes nothing of the address: it is a secret.
 */
export function readDatabaseAddress(address: string): DatabaseAddress {
  const url = new URL(address);
  const given = Object.fromEntries(url.searchParams);
  if (Object.keys(given).some((name) => !PARAMETERS.includes(name))) {
    throw new Error(`the only parameters that Berth knows are ${PARAMETERS.join(', ')}: remove the others`);
  }
  const host = given['host'] || decode(url.hostname).replace(/^\[(.+)\]$/, '$1');
  return {
    host: host || 'localhost',
    port: Number(url.port || 5432),
    user: decode(url.username) || undefined,
    password: decode(url.password) || undefined,
    database: decode(url.pathname.slice(1)) || undefined,
    options: given['options'] || undefined,
    ssl: readEncryption(given['sslmode'] ?? 'disable', given['sslrootcert']),
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    throw new Error('a % that stands for itself has to be written as %25', { cause: error });
  }
}

function readEncryption(mode: string, rootFile: string | undefined): ConnectionOptions | false {
  const ca = rootFile === undefined ? undefined : readRoot(rootFile);
  switch (mode) {
    case 'disable':
      if (ca === undefined) return false;
      throw new Error('sslrootcert does nothing without an sslmode: add sslmode=verify-full');
    case 'require':
      return ca === undefined ? { rejectUnauthorized: false } : verifyingChain(ca);
    case 'verify-ca':
      if (ca !== undefined) return verifyingChain(ca);
      // Anybody can get a certificate of a public authority for some name.
      throw new Error('sslmode=verify-ca needs the file of a root as sslrootcert; without one, choose verify-full');
    case 'verify-full':
      // A `ca` of undefined is Node's own list, NODE_EXTRA_CA_CERTS included.
      return { rejectUnauthorized: true, ca };
    default:
      throw new Error('sslmode has to be disable, require, verify-ca or verify-full');
  }
}

/** As libpq: a root that is given is what is trusted, whatever name the server goes by. */
function verifyingChain(ca: string): ConnectionOptions {
  return { rejectUnauthorized: true, ca, checkServerIdentity: () => undefined };
}

function readRoot(file: string): string {
  let root: string;
  try {
    root = readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    throw new Error(`the file that sslrootcert names cannot be read (${code})`, { cause: error });
  }
  try {
    new X509Certificate(root);
  } catch (error) {
    throw new Error('the file that sslrootcert names holds no certificate', { cause: error });
  }
  return root;
}
