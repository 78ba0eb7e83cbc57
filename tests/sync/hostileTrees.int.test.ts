import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { isInsideLink, MAX_PATH_BYTES, MAX_PATH_DEPTH, RESERVED_PREFIX } from '#shared/domain/paths.ts';
import { isIgnoredByDefault } from '#shared/domain/ignore.ts';
import { sha256 } from '#platform/db/content.ts';
import { readTree, writeTree, type TreeRow } from '#platform/db/repositories/itemBatches.ts';
import { readNotSaved } from '#platform/db/repositories/itemEvents.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { makeEntry, readEntries, type FoundEntry, type HostileEntry } from '#tests/support/hostileTree.ts';
import { createAgentGround, type AgentGround, type GroundSession } from '#tests/support/openedSession.ts';
import { scaled, SEED } from '#tests/support/scale.ts';

/** Trees that one volume holds, each in a folder of its own. */
const TREES_A_VOLUME = 25;

let test: TestDatabase;
let ground: AgentGround;
beforeAll(async () => {
  test = await createTestDatabase();
  ground = await createAgentGround(test);
});
afterAll(async () => {
  await ground.close();
  await test.drop();
});

/** Names that programs, file systems, shells, databases and wires have stumbled over. */
const TROUBLE = [
  ...[
    'é',
    'e\u0301',
    'İ',
    'ß',
    'ﬁ',
    'ǅ',
    '\u1E9E',
    'Å',
    '\u212B',
    '한글',
    '\u1112\u1161\u11AB',
    '日本語',
    'עברית',
    'العربية',
  ],
  ...[
    '\u202Egpj.exe',
    '\u200B',
    '\u200D',
    '\uFEFFbom',
    '\u2028',
    '\u2029',
    '\u0085',
    '\u00A0',
    '\u00AD',
    '\uFFFE',
    '\uFFFF',
  ],
  ...['👩‍👩‍👧‍👦', '🏳️‍🌈', '\u{1F1E9}\u{1F1EA}', '\u{10FFFF}', '\u{E0001}', 'Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢', '\uFFFD'],
  ...[
    '\n',
    '\t',
    '\r\n',
    '\x01',
    '\x1B[31m',
    '\x7F',
    ' ',
    ' lead',
    'trail ',
    '.',
    '..',
    '...',
    '.dot',
    'dot.',
    '-rf',
    '--',
    '~',
  ],
  ...[
    '\\',
    'a\\b',
    '"',
    "'",
    '`',
    '$(id)',
    '${HOME}',
    ';',
    '&',
    '|',
    '*',
    '?',
    '[a]',
    '{a,b}',
    '%s',
    '%00',
    '%2e%2e%2f',
    '#',
    '!',
  ],
  ...[
    'CON',
    'nul',
    'COM1',
    'a:b',
    'a|b',
    '<a>',
    'constructor',
    '__proto__',
    'toString',
    'null',
    'undefined',
    'NaN',
    '0',
    '-1',
  ],
  ...[
    "'; DROP TABLE users; --",
    '\\x00',
    '\\u0000',
    '{{7*7}}',
    '<script>',
    '../a',
    'node_modules',
    '.git',
    'dist',
    'lost+found',
  ],
  ...[
    '.berthignored',
    '.berth-',
    '.berth-notes',
    `.berth-old-0123456789abcdef`,
    '.berth',
    'a.conflict-20260102-030405.txt',
  ],
  ...['n'.repeat(255), 'é'.repeat(127), '🏳'.repeat(63), `${'m'.repeat(251)}.txt`, 'n'.repeat(254)],
];
const troubleName = fc.constantFrom(...TROUBLE).map((name) => Buffer.from(name));
const anyName = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).map((name) => Buffer.from(name));
/** Bytes that are no UTF-8: overlong forms, surrogates, continuations without a start, 0xFF. */
const brokenName = fc
  .constantFrom([0xff], [0xc3, 0x28], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82])
  .map((bytes) => Buffer.concat([Buffer.from('x'), Buffer.from(bytes)]));
const plainName = fc.constantFrom('a', 'b', 'c').map((name) => Buffer.from(name));
const name = fc.oneof(
  { weight: 5, arbitrary: troubleName },
  { weight: 3, arbitrary: anyName },
  { weight: 1, arbitrary: brokenName },
  { weight: 3, arbitrary: plainName },
);
const names = fc.array(name, { minLength: 1, maxLength: 5 }).filter((path) => path.every(isPossible));

/** A name that one system call can make in a folder, and that stays in it. */
function isPossible(bytes: Buffer): boolean {
  return !bytes.includes(0) && !bytes.includes(0x2f) && !['.', '..', ''].includes(bytes.toString('latin1'));
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
  fc
    .constantFrom('', '\0', 'a\0b', '\uFEFFbom', 'a\r\nb\r', '\uFFFD', '\x1B]0;title\x07')
    .map((text) => Buffer.from(text)),
  fc.constantFrom(Buffer.alloc(70_000, 0xff), Buffer.alloc(70_000, 'ab\n'), Buffer.from([0xed, 0xa0, 0x80])),
);
const target = fc.oneof(
  name.filter((bytes) => !bytes.includes(0)),
  fc
    .constantFrom(
      '../../outside/canary',
      '../../../outside',
      '/etc/passwd',
      '.',
      '..',
      'a/../b',
      './a',
      '/',
      'a//b',
      '../a/../..',
    )
    .map((text) => Buffer.from(text)),
  fc.constant(Buffer.from('t'.repeat(4_000))),
);
const deep = fc
  .record({
    depth: fc.constantFrom(15, 150, 197, 198, 199, 200, 230),
    name: fc.constantFrom('d', 'é', 'n'.repeat(255)),
  })
  .filter(({ depth, name }) => depth * name.length < 60_000)
  .map(({ depth, name }): Buffer[] => Array<Buffer>(depth).fill(Buffer.from(name)));
const place = fc.oneof({ weight: 60, arbitrary: names }, { weight: 1, arbitrary: deep });
const entry: fc.Arbitrary<HostileEntry> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('file' as const), names: place, bytes, executable: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('folder' as const), names: place }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('link' as const), names: place, target }) },
);
const tree = fc.array(entry, { minLength: 1, maxLength: 6 });

describe('trees of hostile names and bytes', () => {
  it('are kept exactly or refused by name, on both ways, and nothing outside the root is touched', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(tree, { minLength: TREES_A_VOLUME, maxLength: TREES_A_VOLUME }), async (trees) => {
        const session = await ground.open();
        const untouched = plantCanaries(session);
        for (const [index, entries] of trees.entries()) {
          const folder = Buffer.from(`tree${String(index)}`);
          for (const made of entries) makeEntry(session.workspace.root, { ...made, names: [folder, ...made.names] });
        }
        await session.reconcile();
        const rows = await readTree(test.database, session.ref.sessionId);
        const onVolume = entriesOf(session);
        await checkSaved(session, rows, onVolume);
        await checkLoaded(rows, onVolume);
        untouched();
        await session.end();
      }),
      { seed: SEED, numRuns: scaled(10_000 / TREES_A_VOLUME), endOnFailure: true },
    );
  }, 3_600_000);
});

function entriesOf(session: GroundSession): FoundEntry[] {
  return readEntries(session.workspace.root).filter(({ names }) => !isOfBerth(names));
}

function isOfBerth(names: Buffer[]): boolean {
  const own = names.at(-1)!.toString('latin1');
  return own === '.berth-volume' || own.startsWith('.berth-old-') || own.startsWith('.berth-new-');
}

/** Files beside the volume, which hostile links point at. Returns the check that nothing about them has changed. */
function plantCanaries(session: GroundSession): () => void {
  const outside = join(dirname(session.workspace.root), '..', 'outside');
  mkdirSync(outside, { recursive: true });
  const canary = join(outside, 'canary');
  writeFileSync(canary, 'untouched');
  const before = statSync(canary);
  const listed = readdirSync(outside);
  return () => {
    const after = statSync(canary);
    expect([after.mtimeMs, after.ctimeMs, after.ino, after.mode]).toEqual([
      before.mtimeMs,
      before.ctimeMs,
      before.ino,
      before.mode,
    ]);
    expect(readFileSync(canary, 'utf8')).toBe('untouched');
    expect(readdirSync(outside)).toEqual(listed);
  };
}

/** Every entry of the volume has its exact row, or a reason why not; and there is no row beside. */
async function checkSaved(
  session: GroundSession,
  rows: ReadonlyMap<string, TreeRow>,
  found: FoundEntry[],
): Promise<void> {
  const told = new Set((await readNotSaved(test.database, session.ref.sessionId)).map(({ path }) => path));
  const saved = new Set<string>();
  const wrong = found.flatMap((entry) => {
    const row = rows.get(textOf(entry.names) ?? '');
    if (row === undefined) return isToldOf(entry, told) && mayBeRefused(entry) ? [] : [describeFound(entry)];
    saved.add(row.path);
    return describeRow(row) === describeFound(entry) ? [] : [describeFound(entry), describeRow(row)];
  });
  expect(wrong).toEqual([]);
  expect([...rows.keys()].filter((path) => !saved.has(path))).toEqual([]);
}

/** True when the entry, or a folder above it, was named among what is not saved. */
function isToldOf({ names }: FoundEntry, told: ReadonlySet<string>): boolean {
  const lossy = names.map((name) => name.toString('utf8'));
  return lossy.some((_, index) =>
    told.has(
      lossy
        .slice(0, index + 1)
        .join('/')
        .slice(0, 8_000),
    ),
  );
}

/** A path as text; null when a name is no UTF-8. */
function textOf(names: Buffer[]): string | null {
  const texts = names.map((name) => name.toString('utf8'));
  return texts.every((text, index) => Buffer.from(text).equals(names[index]!)) ? texts.join('/') : null;
}

/** The rules again, as a person reads them. */
function mayBeRefused({ names, kind, bytes }: FoundEntry): boolean {
  const path = textOf(names);
  if (path === null || path.includes('\uFFFD')) return true;
  if (Buffer.byteLength(path) > MAX_PATH_BYTES || names.length > MAX_PATH_DEPTH) return true;
  if (path.split('/').some((name) => name.startsWith(RESERVED_PREFIX) || name === '.git')) return true;
  if (isIgnoredByDefault(path)) return true;
  if (kind !== 'link') return false;
  const target = bytes!.toString('utf8');
  return !Buffer.from(target).equals(bytes!) || !isInsideLink(path, target);
}

function describeRow({ path, type, sha256, executable }: TreeRow): string {
  return `${JSON.stringify(path)} ${type} ${sha256} ${executable}`;
}

function describeFound({ names, kind, bytes, executable }: FoundEntry): string {
  const path = textOf(names) ?? names.map((name) => name.toString('latin1')).join('/');
  const digest = bytes === null ? null : sha256(bytes);
  return `${JSON.stringify(path)} ${kind === 'link' ? 'symlink' : kind} ${digest} ${executable}`;
}

/** The rows loaded onto another volume are, byte by byte, what the first one holds. */
async function checkLoaded(rows: ReadonlyMap<string, TreeRow>, found: FoundEntry[]): Promise<void> {
  const copy = await ground.open({ state: 'new', plant: (session) => copyRows(session, rows) });
  await copy.load();
  const wanted = found.filter(({ names }) => rows.has(textOf(names) ?? ''));
  expect(entriesOf(copy).map(describeFound)).toEqual(wanted.map(describeFound));
  await copy.end();
}

async function copyRows({ ref: { sessionId } }: GroundSession, rows: ReadonlyMap<string, TreeRow>): Promise<void> {
  const all = [...rows.values()];
  const folders = all.filter(({ type }) => type === 'folder').map(({ path }) => path);
  const files = all
    .filter(({ type }) => type !== 'folder')
    .map(({ path, encoding, executable, size, sha256 }) => {
      return { path, encoding, executable, size, sha256: sha256!, source: 'terminal' as const };
    });
  await test.database.transaction((tx) =>
    writeTree(test.database, { sessionId, rows: new Map(), removed: [], folders, files }, tx),
  );
}
