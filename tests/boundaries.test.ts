import { readFileSync } from 'node:fs';
import path from 'node:path';
import { findCycle, importsOf, projectFiles, ROOT, type Import } from '#tests/support/importGraph.ts';

const MAX_LINES = 400;
const DRAWERS = /^(services?|utils?|helpers?|common|managers?|misc)$/i;

/** What a part may import of another: everything, types alone, or by the name of the file. */
type Right = 'all' | 'types' | ((edge: Import) => boolean);

const messagesOrTypes: Right = (edge) => edge.to.endsWith('.messages.ts') || !edge.value;
const messagesAndPorts: Right = (edge) =>
  edge.to.endsWith('.messages.ts') || (edge.to.endsWith('.ports.ts') && !edge.value);
const messagesOnly: Right = (edge) => edge.to.endsWith('.messages.ts');

/** Who may import whom: docs/ARCHITECTURE.md says why. */
const ARROWS: Record<string, Record<string, Right>> = {
  'shared/domain': { 'shared/domain': 'all' },
  'shared/contracts': { 'shared/domain': 'all', 'shared/contracts': 'all' },
  platform: { 'shared/domain': 'all', 'shared/contracts': 'all', platform: 'all' },
  workflows: { 'shared/domain': 'all', 'shared/contracts': 'types', workflows: 'all' },
  activities: {
    'shared/domain': 'all',
    'shared/contracts': 'types',
    platform: 'all',
    workflows: messagesAndPorts,
    activities: 'all',
  },
  workers: { 'shared/domain': 'all', platform: 'all', workflows: messagesOnly, activities: 'all', workers: 'all' },
  api: { 'shared/domain': 'all', 'shared/contracts': 'all', platform: 'all', workflows: messagesOrTypes, api: 'all' },
  agent: { 'shared/domain': 'all', 'shared/contracts': 'all', agent: 'all' },
  web: { 'shared/domain': 'all', 'shared/contracts': 'all', web: 'all' },
  cli: { 'shared/domain': 'all', 'shared/contracts': 'all', platform: 'all', cli: 'all' },
  migrations: {},
};

const isTest = (file: string): boolean => file.startsWith('tests/') || /\.test\.ts$/.test(file);
const partOf = (file: string): string | null => Object.keys(ARROWS).find((part) => file.startsWith(`${part}/`)) ?? null;

const files = projectFiles();
const imports = files.flatMap(importsOf);
const ofProduct = imports.filter((edge) => !isTest(edge.from));
const show = (edges: Import[]): string[] => edges.map((edge) => `${edge.from} → ${edge.to}`);

function isAllowed(edge: Import): boolean {
  const importer = partOf(edge.from);
  const imported = partOf(edge.to);
  if (importer === null || imported === null) return importer === imported && !isTest(edge.to);
  const right = ARROWS[importer]?.[imported];
  if (right === undefined) return false;
  return right === 'all' || (right === 'types' ? !edge.value : right(edge));
}

describe('the import graph', () => {
  it('is read at all', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(imports.filter((edge) => edge.internal).length).toBeGreaterThan(100);
  });

  it('leads nowhere but to files that are there', () => {
    expect(show(imports.filter((edge) => edge.to.endsWith(' (missing)')))).toEqual([]);
  });

  it('has no arrow that the table does not allow', () => {
    expect(show(ofProduct.filter((edge) => edge.internal && !isAllowed(edge)))).toEqual([]);
  });

  it('has no cycle of run-time imports', () => {
    expect(findCycle(imports.filter((edge) => edge.internal && edge.value))).toBeNull();
  });

  it('finds a cycle where there is one', () => {
    const edge = (from: string, to: string): Import => ({ from, to, value: true, internal: true });
    expect(findCycle([edge('a', 'b'), edge('b', 'c'), edge('c', 'b')])).toEqual(['b', 'c', 'b']);
  });

  it('never leads into a process entry or a test', () => {
    const forbidden = ofProduct.filter((edge) => edge.internal && (/(^|\/)main\.ts$/.test(edge.to) || isTest(edge.to)));
    expect(show(forbidden)).toEqual([]);
  });

  it('takes the Kubernetes client by value in one file only', () => {
    const takers = imports
      .filter((edge) => edge.to === '@kubernetes/client-node' && edge.value)
      .map((edge) => edge.from);
    expect(takers.filter((file) => file !== 'platform/runtime/kubernetes/client.ts')).toEqual([]);
  });

  it('keeps workflows free of Node', () => {
    const node = ofProduct.filter((edge) => edge.from.startsWith('workflows/') && /^(node:|fs$|path$)/.test(edge.to));
    expect(show(node)).toEqual([]);
  });

  it('keeps presenters and policies free of I/O', () => {
    const io = ofProduct.filter(
      (edge) =>
        edge.value &&
        ((/^api\/presenters\//.test(edge.from) && /^platform\/(db|runtime|agent|temporal|events)\//.test(edge.to)) ||
          (/^api\/(presenters|policies)\//.test(edge.from) &&
            /^(node:(fs|net|http|child_process)|pg|sequelize)/.test(edge.to))),
    );
    expect(show(io)).toEqual([]);
  });

  it('keeps routes and sockets apart, and commands below both', () => {
    const upwards = ofProduct.filter(
      (edge) =>
        (/^api\/routes\//.test(edge.from) && /^api\/sockets\//.test(edge.to)) ||
        (/^api\/sockets\//.test(edge.from) && /^api\/routes\//.test(edge.to)) ||
        (/^api\/(commands|policies|presenters)\//.test(edge.from) &&
          /^api\/(routes|sockets)\//.test(edge.to) &&
          edge.value),
    );
    expect(show(upwards)).toEqual([]);
  });

  it('keeps the features of the web pages apart, but for pages that mount files and terminals', () => {
    const featureOf = (file: string): string | undefined => /^web\/src\/features\/([^/]+)\//.exec(file)?.[1];
    const across = ofProduct.filter((edge) => {
      const [from, to] = [featureOf(edge.from), featureOf(edge.to)];
      if (from === undefined || to === undefined || from === to) return false;
      return !(/\/pages\//.test(edge.from) && ['files', 'terminal'].includes(to));
    });
    expect(show(across)).toEqual([]);
  });
});

describe('the files', () => {
  it(`have at most ${String(MAX_LINES)} lines`, () => {
    const long = [...files, ...projectFiles(/\.(css|html)$/)]
      .map((file) => ({ file, lines: readFileSync(path.join(ROOT, file), 'utf8').split('\n').length - 1 }))
      .filter(({ lines }) => lines > MAX_LINES);
    expect(long).toEqual([]);
  });

  it('lie in no drawer for odds and ends', () => {
    const drawers = files.filter((file) => file.split('/').some((part) => DRAWERS.test(part.replace(/\..*$/, ''))));
    expect(drawers).toEqual([]);
  });
});
