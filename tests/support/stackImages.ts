import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { preparePostgresFolder } from '#cli/embedded/postgresFolder.ts';
import { findTemporalCli } from '#cli/embedded/temporalCli.ts';
import { ROOT } from '#tests/support/importGraph.ts';
import { kubectl } from '#tests/support/kubectl.ts';

const execute = promisify(execFile);
const BUILD_MS = 10 * 60_000;
const BASE = 'FROM node:24-bookworm-slim';

/** The user that the manifest runs PostgreSQL as; initdb wants it to have a name. */
const POSTGRES_DOCKERFILE = `${BASE}
RUN useradd --uid 999 --user-group --no-create-home --non-unique postgres
COPY native /opt/postgresql
COPY --chmod=755 entrypoint.sh /entrypoint.sh
ENV PATH=/opt/postgresql/bin:/usr/local/bin:/usr/bin:/bin
USER 999:999
ENTRYPOINT ["/entrypoint.sh"]
`;

/** What the official image does with the same variables. Nothing is flushed: the data are thrown away. */
const POSTGRES_ENTRYPOINT = `#!/bin/sh
set -eu
if [ ! -s "$PGDATA/ready" ]; then
  rm -rf "$PGDATA"
  printf %s "$POSTGRES_PASSWORD" > /tmp/password
  initdb -D "$PGDATA" -U "$POSTGRES_USER" -A scram-sha-256 --pwfile /tmp/password -E UTF8 --no-sync \\
    --locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C
  rm /tmp/password
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  echo "CREATE DATABASE $POSTGRES_DB" | postgres --single -D "$PGDATA" postgres
  echo yes > "$PGDATA/ready"
fi
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories='' -c fsync=off
`;

const TEMPORAL_DOCKERFILE = `${BASE}
COPY --chmod=755 temporal /usr/local/bin/temporal
USER 1000:1000
ENTRYPOINT ["temporal"]
`;

/** PostgreSQL for the manifests, from the embedded one; on the cluster's nodes when it resolves. */
export async function postgresImage(): Promise<string> {
  const { programs } = preparePostgresFolder('/nonexistent');
  const program = path.join(programs, 'bin', 'postgres');
  return provide({
    name: 'berth-test-postgres',
    content: [POSTGRES_DOCKERFILE, POSTGRES_ENTRYPOINT, String(statSync(program).size)],
    fill(context) {
      cpSync(programs, path.join(context, 'native'), { recursive: true, verbatimSymlinks: true });
      writeFileSync(path.join(context, 'entrypoint.sh'), POSTGRES_ENTRYPOINT);
      writeFileSync(path.join(context, 'Dockerfile'), POSTGRES_DOCKERFILE);
    },
  });
}

/** The Temporal dev server for the manifests, from the CLI that the tests use; as `postgresImage`. */
export async function temporalImage(): Promise<string> {
  const { program } = await findTemporalCli(path.join(ROOT, '.berth', 'bin'), () => undefined);
  return provide({
    name: 'berth-test-temporal',
    content: [TEMPORAL_DOCKERFILE, String(statSync(program).size)],
    fill(context) {
      copyFileSync(program, path.join(context, 'temporal'));
      writeFileSync(path.join(context, 'Dockerfile'), TEMPORAL_DOCKERFILE);
    },
  });
}

interface TestImage {
  name: string;
  /** What it is made from; its tag is the digest. */
  content: string[];
  fill(context: string): void;
}

async function provide({ name, content, fill }: TestImage): Promise<string> {
  const image = `${name}:${createHash('sha256').update(content.join('\0')).digest('hex').slice(0, 16)}`;
  const known = await kubectl(['get', 'nodes', '-o', 'jsonpath={.items[*].status.images[*].names}']);
  if (known.includes(`/${image}"`)) return image;
  const program = process.env['BERTH_BUILD_IMAGE'] ?? '';
  if (program === '') throw new Error(`BERTH_BUILD_IMAGE is not set; it builds ${image} (k8s/images/README.md).`);
  const context = mkdtempSync(path.join(tmpdir(), `${name}-`));
  try {
    fill(context);
    await execute(program, [image, context], { timeout: BUILD_MS, maxBuffer: 64 * 1024 * 1024 });
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
  return image;
}
