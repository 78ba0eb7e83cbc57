/** What Node calls a certificate that no root it trusts has signed. */
const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

const REMEDY =
  "the certificate of PostgreSQL is not trusted: name its root's file as sslrootcert in DATABASE_URL, or in NODE_EXTRA_CA_CERTS";

/** Adds the remedy to the words of an error of a connection, of pg or of Sequelize, and throws it on. */
export function throwWithRemedy(error: unknown): never {
  if (error instanceof Error && UNTRUSTED.has(codeOf(error) ?? '') && !error.message.includes(REMEDY)) {
    error.message += `; ${REMEDY}`;
  }
  throw error;
}

/** Sequelize wraps the error that says it. */
function codeOf(error: Error & { code?: string; parent?: { code?: string } }): string | undefined {
  return error.code ?? error.parent?.code;
}
