import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { loadConfig, type Config } from '#platform/config/config.ts';
import { ROOT } from '#tests/support/importGraph.ts';
import {
  containers,
  environment,
  HAS_KUBECTL,
  named,
  ofKind,
  render,
  workloads,
  type Manifest,
} from '#tests/support/manifests.ts';

/** kubectl is a large program; on a busy machine it takes its time to start. */
const PATIENCE_MS = 60_000;
const PAGE = 'docs/operations.md';

/** The code blocks of a page in that language, without the indentation of the list that they stand in. */
function blocks(page: string, language: string): string[] {
  const text = readFileSync(path.join(ROOT, page), 'utf8');
  const fences = text.matchAll(new RegExp(`^( *)\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\``, 'gm'));
  return [...fences].map(([, indent = '', block = '']) => block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''));
}

/** The one block of a page that holds the text; fails when there is none, or more. */
function blockWith(page: string, { language, text }: { language: string; text: string }): string {
  const found = blocks(page, language).filter((block) => block.includes(text));
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${String(found.length)} × ${text} in ${page}`);
  return found[0];
}

describe('the page for operators', () => {
  it.each([PAGE, 'k8s/README.md'])('has only commands that the shell can read: %s', (page) => {
    for (const block of blocks(page, 'sh')) {
      expect(() => execFileSync('bash', ['-n'], { input: block.replaceAll('…', '1') })).not.toThrow();
    }
  });
});

(HAS_KUBECTL ? describe : describe.skip)('the kustomization on the page for operators', () => {
  const sample = blockWith(PAGE, { language: 'yaml', text: '# my-berth/kustomization.yaml' });
  let folder: string;
  let manifests: Manifest[];

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'berth-operations-'));
    symlinkSync(ROOT, path.join(folder, 'berth'));
    const own = path.join(folder, 'my-berth');
    mkdirSync(own);
    writeFileSync(path.join(own, 'kustomization.yaml'), sample);
    manifests = render(path.relative(path.join(ROOT, 'k8s'), own));
  }, PATIENCE_MS);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The settings of the api as the sample makes them. */
  function config(): Config {
    const api = workloads(manifests).find(({ name }) => name === 'berth-api');
    const [container] = api?.template.spec.containers ?? [];
    if (!container) throw new Error('there is no api');
    const secrets = { BERTH_SECRET: 'x'.repeat(64), DATABASE_URL: 'postgres://berth:x@postgres/berth' };
    return loadConfig({ ...environment(manifests, container), ...secrets });
  }

  it('serves the public address, with a certificate for its host that an issuer makes', () => {
    const { hostname, protocol } = new URL(config().BERTH_PUBLIC_URL);
    expect(protocol).toBe('https:');
    const ingress = named(manifests, 'Ingress', 'berth');
    const { rules, tls } = z
      .object({
        rules: z.array(z.object({ host: z.string() })),
        tls: z.array(z.object({ hosts: z.array(z.string()), secretName: z.string() })),
      })
      .parse(ingress.spec);
    expect(rules.map(({ host }) => host)).toEqual([hostname]);
    expect(tls).toEqual([{ hosts: [hostname], secretName: 'berth-tls' }]);
    expect(ingress.metadata.annotations['cert-manager.io/cluster-issuer']).toMatch(/^[a-z-]+$/);
  });

  it('names every address that the overlay has only as an example', () => {
    const overlay = readFileSync(path.join(ROOT, 'k8s/overlays/production/berth.env'), 'utf8');
    const examples = [...overlay.matchAll(/^(\w+)=.*example\.org/gm)].map(([, name = '']) => name);
    expect(examples).toContain('TEMPORAL_ADDRESS');
    for (const name of examples) expect(sample).toContain(`- ${name}=`);
  });

  it('takes every image from one registry, and tells the admission policy which one sessions have', () => {
    const images = workloads(manifests).flatMap(containers);
    expect(new Set(images.map(({ image }) => image))).toEqual(new Set(['registry.example.org/berth:0.1.0']));
    const { BERTH_WORKSPACE_IMAGE } = config();
    expect(BERTH_WORKSPACE_IMAGE).toMatch(/^registry\.example\.org\//);
    const { annotations } = named(manifests, 'Namespace', 'berth-sessions').metadata;
    expect(annotations['berth.dev/workspace-image']).toBe(BERTH_WORKSPACE_IMAGE);
  });

  it('lets every account of Berth and of sessions pull from a private registry, with a secret that the page makes', () => {
    const accounts = ofKind(manifests, 'ServiceAccount');
    const present = accounts.map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`);
    const used = workloads(manifests).map(({ template }) => `berth/${template.spec.serviceAccountName ?? 'default'}`);
    expect(present).toEqual(expect.arrayContaining([...used, 'berth-sessions/default']));
    const commands = blockWith(PAGE, { language: 'sh', text: 'create secret docker-registry' });
    const [, secret] = /create secret docker-registry (\S+)/.exec(commands) ?? [];
    for (const account of accounts) expect(account['imagePullSecrets']).toEqual([{ name: secret }]);
  });

  it('finds every secret that it cannot do without in the commands that make them', () => {
    const commands = blockWith(PAGE, { language: 'sh', text: '--from-literal=BERTH_OPERATOR_CODE' });
    const references = workloads(manifests)
      .flatMap(containers)
      .flatMap(({ env }) => env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef ?? []));
    const needed = references.filter(({ optional }) => optional !== true);
    expect(new Set(needed.map(({ name }) => name))).toEqual(new Set(['berth']));
    for (const { key } of needed) expect(commands).toContain(`--from-literal=${key}=`);
  });
});
