import { jest } from '@jest/globals';
import type { V1Pod } from '@kubernetes/client-node';
import { createTestNamespace, type TestNamespace } from '#tests/support/cluster.ts';
import { serverImage } from '#tests/support/images.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/* The image of api, workers and migrations, run as the manifests run it: not as root, with a root that cannot be written. */
jest.setTimeout(180_000);

let namespace: TestNamespace;
let image: string;
beforeAll(async () => {
  image = await serverImage();
  namespace = await createTestNamespace();
}, 30 * 60_000);
afterAll(() => namespace.drop(), 180_000);

/** Runs a command in a pod of its own to its end. */
async function run(name: string, command: string[], environment: Record<string, string> = {}): Promise<Ended> {
  await namespace.apply(podOf(name, command, environment));
  const terminated = await waitFor(
    async () => (await namespace.get<V1Pod>('pod', name)).status?.containerStatuses?.[0]?.state?.terminated,
    { deadlineMs: 120_000, what: `the end of ${command.join(' ')}` },
  );
  return { exitCode: terminated.exitCode, output: await namespace.kubectl('logs', name) };
}

interface Ended {
  exitCode: number;
  output: string;
}

function podOf(name: string, command: string[], environment: Record<string, string>): V1Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'berth',
          image,
          imagePullPolicy: 'IfNotPresent',
          command: ['tini', '--', ...command],
          env: Object.entries(environment).map(([variable, value]) => ({ name: variable, value })),
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          volumeMounts: [
            { name: 'tmp', mountPath: '/tmp' },
            { name: 'data', mountPath: '/var/lib/berth/data' },
          ],
        },
      ],
      volumes: [
        { name: 'tmp', emptyDir: {} },
        { name: 'data', emptyDir: {} },
      ],
    },
  };
}

describe('the image of the servers', () => {
  it.each([
    ['migrate', ['node', 'cli/main.ts', 'migrate']],
    ['api', ['node', 'api/main.ts']],
    ['worker', ['node', 'workers/main.ts']],
  ])('says as %s which settings it misses', async (name, command) => {
    const { exitCode, output } = await run(name, command);
    expect(exitCode).toBe(1);
    expect(output).toContain('BERTH_SECRET: got nothing');
    expect(output).toContain('DATABASE_URL: got nothing');
    expect(output).not.toMatch(/ERR_MODULE_NOT_FOUND|EROFS/);
  });

  it('says of a database that does not answer that it does not', async () => {
    const { exitCode, output } = await run('unreachable', ['node', 'cli/main.ts', 'migrate'], {
      BERTH_SECRET: 'x'.repeat(64),
      DATABASE_URL: 'postgres://berth:secret-of-the-test@127.0.0.1:1/berth',
    });
    expect(exitCode).toBe(1);
    expect(output).toContain('ECONNREFUSED');
    expect(output).not.toContain('secret-of-the-test');
  });

  it('brings the agent, the pages and the bundle of the workflows, and no package of development', async () => {
    const look = `
      const { existsSync, readdirSync } = await import('node:fs');
      const { bundleWorkflows } = await import('/srv/berth/workers/bundle.ts');
      console.log(JSON.stringify({
        user: process.getuid(),
        bundle: await bundleWorkflows('/nowhere'),
        files: ['agent/dist/agent.mjs', 'web/dist/index.html', 'package.json'].filter((file) => existsSync(file)),
        development: ['vite', 'jest', 'typescript', 'eslint', 'playwright-core', 'node'].filter((name) => existsSync('node_modules/' + name)),
        tests: readdirSync('.', { recursive: true }).filter((name) => !name.startsWith('node_modules/') && name.endsWith('.test.ts')),
      }));`;
    const { exitCode, output } = await run('look', ['node', '--input-type=module', '--eval', look]);
    expect({ exitCode, output: JSON.parse(output) as unknown }).toEqual({
      exitCode: 0,
      output: {
        user: 1_000,
        bundle: expect.stringMatching(/^\/srv\/berth\/workers\/dist\/workflows-[0-9a-f]+\.js$/) as unknown,
        files: ['agent/dist/agent.mjs', 'web/dist/index.html', 'package.json'],
        development: [],
        tests: [],
      },
    });
  });
});
