import fc from 'fast-check';
import { symlinkSync, unlinkSync } from 'node:fs';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { createAgentGround, type AgentGround } from '#tests/support/openedSession.ts';
import { Repository } from '#tests/support/repository.ts';
import { scaled, SEED } from '#tests/support/scale.ts';

let test: TestDatabase;
let ground: AgentGround;
beforeAll(async () => {
  test = await createTestDatabase({ GIT_QUIET_SECONDS: '0' });
  ground = await createAgentGround(test);
});
afterAll(async () => {
  await ground.close();
  await test.drop();
});

const name = fc.constantFrom('main.py', 'a/b.txt', 'ü.txt', 'with space');
const steps = fc.oneof(
  fc.record({
    kind: fc.constant('write' as const),
    name,
    content: fc.constantFrom('', 'one\n', 'one\ntwo\n', '\0\xff'),
  }),
  fc.record({ kind: fc.constant('script' as const), name }),
  fc.record({ kind: fc.constant('link' as const), name: fc.constantFrom('link', 'other') }),
  fc.record({
    kind: fc.constant('git' as const),
    words: fc.constantFrom(
      ['add', '--all'],
      ['commit', '--quiet', '--all', '--message', 'A change'],
      ['commit', '--quiet', '--allow-empty', '--message', 'Nothing'],
      ['checkout', '--quiet', '-b', 'feature'],
      ['checkout', '--quiet', 'main'],
      ['merge', '--quiet', '--no-edit', 'feature'],
      ['stash', '--include-untracked'],
      ['stash', 'pop'],
      ['reset', '--quiet', '--hard', 'HEAD~1'],
      ['rm', '--quiet', '--force', 'main.py'],
      ['mv', 'main.py', 'moved.py'],
      ['tag', 'v1'],
      ['gc', '--quiet', '--prune=now'],
      ['notes', 'add', '--message', 'noted'],
    ),
  }),
  fc.record({ kind: fc.constant('reconcile' as const) }),
);
const where = fc.constantFrom('', 'inner');

describe('repositories and files that are saved together', () => {
  it('never contradict each other: git says the same after a close and an open', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(where, steps), { minLength: 3, maxLength: 14 }), async (generated) => {
        const session = await ground.open();
        const repositories = {
          '': Repository.init(session.workspace.root),
          inner: Repository.init(session.workspace.root, 'inner'),
        };
        for (const [place, step] of generated) {
          if (step.kind === 'reconcile') await session.reconcile();
          else play(repositories[place as '' | 'inner'], step);
        }
        const describe = (): string[] => Object.values(repositories).map((repository) => repository.describe());
        const before = describe();
        expect(await session.save()).toMatchObject({ drained: true });
        await session.replaceVolume();
        expect(describe()).toEqual(before);
        await session.end();
      }),
      { seed: SEED, numRuns: scaled(40), endOnFailure: true },
    );
  }, 900_000);
});

type Step = Exclude<typeof steps extends fc.Arbitrary<infer One> ? One : never, { kind: 'reconcile' }>;

/** What git or the system refuses is left out, as a person's failed command. */
function play(repository: Repository, step: Step): void {
  try {
    if (step.kind === 'git') repository.git(...step.words);
    else if (step.kind === 'write') repository.write(step.name, step.content);
    else if (step.kind === 'script') repository.write(step.name, '#!/bin/sh\n', 0o755);
    else link(repository, step.name);
  } catch (error) {
    const { status, code } = error as { status?: number; code?: string };
    if (status === undefined && code === undefined) throw error;
  }
}

function link(repository: Repository, path: string): void {
  symlinkSync('main.py', repository.at(path));
  if (path === 'other') unlinkSync(repository.at(path));
}
