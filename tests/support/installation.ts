import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { ROOT } from '#tests/support/importGraph.ts';
import { kubectl } from '#tests/support/kubectl.ts';

/** The namespaces that the manifests name. */
export const NAMESPACES = ['berth', 'berth-sessions'] as const;
/** Every object that a test applied carries it; nothing without it is ever removed. */
const MARK = { 'berth.dev/test': 'true' };
const SELECTOR = 'berth.dev/test=true';
const ADMISSION = 'validatingadmissionpolicybindings,validatingadmissionpolicies';

/** An installation of Berth by its own manifests. */
export interface Installation {
  /** The folder below k8s/. */
  folder: string;
  /** What takes the place of an image, by its name in the manifests. */
  images?: Record<string, string>;
  /** Settings that differ from the folder's. */
  settings?: Record<string, string>;
  /** Settings of the first container of single deployments that differ from everybody's, by the deployment's name. */
  ownSettings?: Record<string, Record<string, string>>;
  /** Secrets of the namespace berth that have to be there first, by name. */
  secrets?: Record<string, Record<string, string>>;
  /** Which kinds are applied; all of them when not given. */
  wanted?: (kind: string) => boolean;
}

/**
 * Applies the manifests to the cluster, as a person does with a kustomization of their own on top. Rejects, touching
 * nothing, when the cluster holds an installation that no test made.
 */
export async function install(installation: Installation): Promise<void> {
  await refuseToTouchOthers();
  const documents = parseAllDocuments(rendered(installation))
    .map((document) => document.toJS() as { kind: string })
    .filter(({ kind }) => installation.wanted?.(kind) ?? true);
  const secrets = Object.entries(installation.secrets ?? {}).map(([name, stringData]) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: 'berth', labels: MARK },
    stringData,
  }));
  const first = documents.filter(({ kind }) => kind === 'Namespace');
  for (const items of [first, secrets, documents]) {
    if (items.length > 0) await kubectl(['apply', '-f', '-'], { apiVersion: 'v1', kind: 'List', items });
  }
}

/** Removes what `install` made; resolves once it is gone. */
export async function uninstall(): Promise<void> {
  await kubectl(['delete', ADMISSION, '-l', SELECTOR, '--ignore-not-found']);
  await kubectl(['delete', 'namespaces', '-l', SELECTOR, '--ignore-not-found', '--wait=true', '--timeout=180s']);
}

/** The tests end with these namespaces gone: they must be the tests' own. */
async function refuseToTouchOthers(): Promise<void> {
  const names = async (...selector: string[]): Promise<string[]> =>
    (await kubectl(['get', 'namespaces', ...NAMESPACES, ...selector, '--ignore-not-found', '-o', 'name']))
      .split('\n')
      .filter(Boolean);
  const marked = (await kubectl(['get', 'namespaces', '-l', SELECTOR, '-o', 'name'])).split('\n');
  const foreign = (await names()).filter((name) => !marked.includes(name));
  if (foreign.length > 0) {
    throw new Error(
      `The cluster holds ${foreign.join(' and ')} already; the tests do not touch what they did not make.`,
    );
  }
  if (marked.some(Boolean)) await uninstall();
}

function rendered({ folder, images = {}, settings = {}, ownSettings = {} }: Installation): string {
  const temporary = mkdtempSync(path.join(tmpdir(), 'berth-kustomization-'));
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    // Relative, for kustomize refuses absolute paths.
    resources: [path.relative(temporary, path.join(ROOT, 'k8s', folder))],
    labels: [{ pairs: MARK }],
    images: Object.entries(images).map(([name, image]) => {
      const at = image.lastIndexOf(':');
      return { name, newName: image.slice(0, at), newTag: image.slice(at + 1) };
    }),
    configMapGenerator: [
      {
        name: 'berth',
        namespace: 'berth',
        behavior: 'merge',
        literals: Object.entries(settings).map(([variable, value]) => `${variable}=${value}`),
      },
    ],
    patches: Object.entries(ownSettings).map(([name, own]) => ({
      target: { kind: 'Deployment', name },
      patch: stringify(
        Object.entries(own).map(([variable, value]) => ({
          op: 'add',
          path: '/spec/template/spec/containers/0/env/-',
          value: { name: variable, value },
        })),
      ),
    })),
    components: [path.relative(temporary, path.join(ROOT, 'k8s/components/session-image'))],
  };
  try {
    writeFileSync(path.join(temporary, 'kustomization.yaml'), stringify(kustomization));
    return execFileSync('kubectl', ['kustomize', temporary], { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 });
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
